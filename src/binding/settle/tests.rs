use super::*;

#[test]
fn few_promises_are_settled_at_once_however_many_were_before() {
    let (now, mut wakes) = (Instant::now(), Wakes::default());
    for _ in 0..8000 {
        assert_eq!(wakes.next(now, MANY - 1, true), None);
    }
    let due = wakes.next(now, MANY, true);
    assert_eq!(due, Some(now + BETWEEN_WAKES), "the wakes before have not put off this one");
}

#[test]
fn many_promises_wake_the_event_loop_once_in_a_while() {
    let (start, mut wakes) = (Instant::now(), Wakes::default());
    let ms = Duration::from_millis;
    assert_eq!(wakes.next(start, MANY, true), None);
    assert_eq!(wakes.next(start + ms(1), MANY, true), Some(start + BETWEEN_WAKES));
    // What settles after a wake that was put off waits for the one after it.
    let second = start + BETWEEN_WAKES;
    assert_eq!(wakes.next(second + ms(1), MANY, true), Some(second + BETWEEN_WAKES));
    assert_eq!(wakes.next(second + 2 * BETWEEN_WAKES, MANY, true), None, "the last wake was long ago");
}

#[test]
fn where_nothing_can_wait_promises_are_settled_at_once() {
    let (now, mut wakes) = (Instant::now(), Wakes::default());
    for _ in 0..3 {
        assert_eq!(wakes.next(now, MANY, false), None);
    }
}
