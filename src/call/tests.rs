use super::*;

#[test]
fn times_are_whole_milliseconds_since_the_epoch() {
    let at = |nanos| milliseconds(UNIX_EPOCH + Duration::from_nanos(nanos));
    assert_eq!([at(0), at(999_999), at(1_000_000)], [0.0, 0.0, 1.0]);
    assert_eq!(at(1_700_000_000_123_456_789), 1_700_000_000_123.0);
    assert_eq!(milliseconds(UNIX_EPOCH - Duration::from_secs(1)), 0.0);
}
