INSERT INTO unfinished_import (source) VALUES ($1) ON CONFLICT DO NOTHING
