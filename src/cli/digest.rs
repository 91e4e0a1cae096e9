//! FNV-1a: tells one text from another, for names in the cache. Nobody is kept out by it.

/// The hash of nothing, to begin with.
pub const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// Goes on with a hash over some bytes.
pub fn digest(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
