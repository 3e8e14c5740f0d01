use std::io;

use hyper_util::client::legacy::connect::Connected;
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinHandle, yield_now},
    time::Instant,
};

use super::*;

const MAX_H1: usize = 4;
const SLOW_DIAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Wire {
    multiplexed: bool,
}

const H1: Wire = Wire { multiplexed: false };
const H2: Wire = Wire { multiplexed: true };

impl Connection for Wire {
    fn connected(&self) -> Connected {
        match self.multiplexed {
            true => Connected::new().negotiated_h2(),
            false => Connected::new(),
        }
    }
}

type Dialled = Result<Wire, BoxError>;

/// A connector whose dials end when the test says so.
#[derive(Clone)]
struct Connector(mpsc::UnboundedSender<oneshot::Sender<Dialled>>);

impl Service<()> for Connector {
    type Response = Wire;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Dialled> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let (end, ended) = oneshot::channel();
        self.0.send(end).unwrap();
        Box::pin(async { ended.await? })
    }
}

struct Test {
    turns: DialTurns,
    dial: Dial<Connector>,
    begun: mpsc::UnboundedReceiver<oneshot::Sender<Dialled>>,
}

impl Test {
    fn new() -> Self {
        let (begins, begun) = mpsc::unbounded_channel();
        let turns = DialTurns::new(MAX_H1, SLOW_DIAL);
        Test { dial: turns.layer(Connector(begins)), turns, begun }
    }

    fn dial(&mut self) -> Pin<Box<dyn Future<Output = Dialled> + Send>> {
        self.dial.call(())
    }

    /// Begins so many dials, each in a task of its own.
    fn dials(&mut self, count: usize) -> Vec<JoinHandle<Dialled>> {
        (0..count).map(|_| tokio::spawn(self.dial())).collect()
    }

    /// The dials that have begun since the last look.
    async fn begun(&mut self) -> Vec<oneshot::Sender<Dialled>> {
        for _ in 0..100 {
            yield_now().await;
        }
        std::iter::from_fn(|| self.begun.try_recv().ok()).collect()
    }

    /// How many dials begin when the given ones have ended so.
    async fn begun_after(
        &mut self,
        dials: Vec<oneshot::Sender<Dialled>>,
        wire: fn() -> Dialled,
    ) -> Vec<oneshot::Sender<Dialled>> {
        for dial in dials {
            dial.send(wire()).unwrap();
        }
        self.begun().await
    }
}

fn h1() -> Dialled {
    Ok(H1)
}

fn h2() -> Dialled {
    Ok(H2)
}

fn refused() -> Dialled {
    Err(io::Error::from(io::ErrorKind::ConnectionRefused).into())
}

#[tokio::test(start_paused = true)]
async fn the_first_dial_goes_alone() {
    let mut test = Test::new();
    let _dials = test.dials(10);
    assert_eq!(test.begun().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn once_a_connection_speaks_http1_some_dial_at_once() {
    let mut test = Test::new();
    let _dials = test.dials(20);
    let first = test.begun().await;
    let mut some = test.begun_after(first, h1).await;
    assert_eq!(some.len(), MAX_H1);
    let one = some.drain(..1).collect();
    let another = test.begun_after(one, h1).await;
    assert_eq!(another.len(), 1);
    assert_eq!(test.begun_after(some, refused).await.len(), MAX_H1 - 1);
}

#[tokio::test(start_paused = true)]
async fn while_connections_speak_http2_dials_go_one_by_one() {
    let mut test = Test::new();
    let _dials = test.dials(10);
    let mut dials = test.begun().await;
    for _ in 0..9 {
        dials = test.begun_after(dials, h2).await;
        assert_eq!(dials.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_changes_its_protocol_is_followed() {
    let mut test = Test::new();
    let _dials = test.dials(MAX_H1 + 1);
    let first = test.begun().await;
    let many = test.begun_after(first, h1).await;
    assert_eq!(test.begun_after(many, h2).await.len(), 0);
    let _dials = test.dials(10);
    let one = test.begun().await;
    assert_eq!(one.len(), 1);
    assert_eq!(test.begun_after(one, h1).await.len(), MAX_H1);
}

#[tokio::test(start_paused = true)]
async fn a_new_bound_holds_from_the_next_connection_on() {
    let mut test = Test::new();
    let _dials = test.dials(40);
    let first = test.begun().await;
    test.turns.set_max_h1(2 * MAX_H1);
    let mut many = test.begun_after(first, h1).await;
    assert_eq!(many.len(), 2 * MAX_H1);
    // Also while others wait: those that end make no room until there is room.
    test.turns.set_max_h1(2);
    let last = many.split_off(2 * MAX_H1 - 2);
    assert_eq!(test.begun_after(many, h1).await.len(), 0);
    let two = test.begun_after(last, h1).await;
    assert_eq!(two.len(), 2);
    test.turns.set_max_h1(MAX_H1);
    assert_eq!(test.begun_after(two, h1).await.len(), MAX_H1);
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_fails_ends_with_its_error_and_the_next_one_begins() {
    let mut test = Test::new();
    let mut dials = test.dials(2);
    let first = test.begun().await;
    assert_eq!(test.begun_after(first, refused).await.len(), 1);
    let error = ended(dials.remove(0)).await.unwrap_err();
    assert!(error.is::<io::Error>(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_is_dropped_lets_the_next_one_begin() {
    let mut test = Test::new();
    let dials = test.dials(3);
    let first = test.begun().await;
    assert_eq!(first.len(), 1);
    // One that waits, and the one that dials.
    dials[1].abort();
    assert_eq!(test.begun().await.len(), 0);
    dials[0].abort();
    assert_eq!(test.begun().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_hangs_lets_the_next_one_begin_after_its_time() {
    let mut test = Test::new();
    let mut dials = test.dials(3);
    let started = Instant::now();
    let (mut begun, mut at) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        begun.push(timeout(Duration::from_secs(3600), test.begun.recv()).await.unwrap().unwrap());
        at.push(started.elapsed());
    }
    assert_eq!(at, [Duration::ZERO, SLOW_DIAL, 2 * SLOW_DIAL]);
    // It goes on itself.
    begun.remove(0).send(h1()).unwrap();
    assert!(ended(dials.remove(0)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_waiting_dial_that_is_moved_to_another_task_gives_up() {
    let mut test = Test::new();
    let _first = test.dials(1);
    let holds_the_turn = test.begun().await;
    let mut loses = test.dial();
    assert!(poll_once(&mut loses).await.is_pending());
    let waits = test.dials(1);
    // As the pool does once another connection serves the request.
    let lost = ended(tokio::spawn(loses)).await;
    assert_eq!(lost.unwrap_err().to_string(), "another connection serves the request");
    assert_eq!(test.begun_after(holds_the_turn, h2).await.len(), 1);
    assert!(!waits[0].is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_has_begun_goes_on_in_another_task() {
    let mut test = Test::new();
    let mut dial = test.dial();
    assert!(poll_once(&mut dial).await.is_pending());
    let moved = tokio::spawn(dial);
    let begun = test.begun().await;
    test.begun_after(begun, h2).await;
    assert!(ended(moved).await.is_ok());
}

/// One that never ends fails the test: time is paused, and passes at once where nothing else happens.
async fn ended(dial: JoinHandle<Dialled>) -> Dialled {
    timeout(Duration::from_secs(3600), dial).await.expect("the dial does not end").unwrap()
}

async fn poll_once(dial: &mut Pin<Box<dyn Future<Output = Dialled> + Send>>) -> Poll<Dialled> {
    poll_fn(|context| Poll::Ready(dial.as_mut().poll(context))).await
}
