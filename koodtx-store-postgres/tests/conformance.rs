//! Every law of the storage traits, each as a test of its own.

mod common;

use common::fresh;

koodtx_core::conformance_suite!(fresh => sync, accounts, maintenance, background, transfer, persistence);
