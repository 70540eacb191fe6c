//! Where the partitions of an environment land in a Cluster. Partitions are few, so shards get
//! unequal shares; which ones follows from their names.

/// Partitions of an environment.
const PARTITIONS: u32 = 256;
/// Slots of a Cluster.
const SLOTS: u32 = 16_384;

/// The largest share of all sessions that one of `shards` gets, if `environments` of the same size
/// share the Cluster: with equal ranges of slots, or else with equal numbers of partitions, which
/// somebody has to place.
pub fn busiest_share(shards: u32, environments: u32, has_equal_slots: bool) -> f64 {
    let (shards, all) = (shards.max(1), PARTITIONS * environments.max(1));
    if !has_equal_slots {
        return f64::from(all.div_ceil(shards)) / f64::from(all);
    }
    let mut counts = vec![0_u32; shards as usize];
    for environment in 0..environments.max(1) {
        for partition in 0..PARTITIONS {
            let tag = format!("env{environment}:{partition:02x}");
            let slot = u32::from(crc16(tag.as_bytes())) % SLOTS;
            counts[(slot * shards / SLOTS) as usize] += 1;
        }
    }
    let most = counts.into_iter().max().unwrap_or(0);
    f64::from(most) / f64::from(all)
}

/// CRC-16/XMODEM, which Redis Cluster hashes tags with.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn shares_are_uneven_but_never_better_than_equal() {
        assert_eq!(busiest_share(1, 1, true), 1.0);
        for shards in [2, 3, 8, 64, 256] {
            let (one, many) = (busiest_share(shards, 1, true), busiest_share(shards, 16, true));
            let placed = busiest_share(shards, 1, false);
            assert!(placed >= 1.0 / f64::from(shards), "{shards}: {placed}");
            assert!(one >= placed && many <= one, "{shards}: {placed} {one} {many}");
        }
        assert_eq!(busiest_share(1_000, 1, false), 1.0 / 256.0);
    }
}
