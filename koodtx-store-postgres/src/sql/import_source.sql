SELECT source FROM unfinished_import
