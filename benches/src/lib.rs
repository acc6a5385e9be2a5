//! Benches and the HTTP load generator of KooDTX.
