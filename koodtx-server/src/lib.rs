//! Reference sync server of KooDTX.
