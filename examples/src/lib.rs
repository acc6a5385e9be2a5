//! Runnable examples of KooDTX.
