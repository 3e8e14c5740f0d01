//! The same solves in as little Rust as reqwest allows: no addon, no retries, no deadline. What it costs is the floor under
//! any client on this HTTP library.
//!
//! Reads one order as JSON from its standard input and prints what it cost as JSON, as `processes/solves.mjs` answers.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cpu_time::ProcessTime;
use reqwest::{Certificate, Client, header::CONTENT_TYPE, redirect};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::sleep};

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The most requests under way, as the clients in JavaScript have sockets.
const PLACES: usize = 128;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    setting: Setting,
    count: usize,
    /// A file of the certificate to trust.
    authority: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Setting {
    account: Account,
    website: serde_json::Map<String, Value>,
    poll_ms: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    client_key: String,
    #[serde(rename = "baseURL")]
    base_url: String,
    task_type: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    /// Tokens, and when each came, in milliseconds since the epoch.
    delivered: Vec<(String, f64)>,
    failures: HashMap<String, usize>,
    wall_ms: f64,
    cpu_ms: f64,
    #[serde(rename = "idleMiB")]
    idle_mib: f64,
    #[serde(rename = "peakMiB")]
    peak_mib: f64,
    #[serde(rename = "growthMiB")]
    growth_mib: f64,
    threads: usize,
}

struct Solver {
    client: Client,
    places: Semaphore,
    create_url: String,
    result_url: String,
    create_body: String,
    client_key: String,
    poll: Duration,
}

fn main() -> Result<(), Failed> {
    let mut order = String::new();
    io::stdin().read_to_string(&mut order)?;
    let Order { setting, count, authority } = serde_json::from_str(&order)?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let solver = Arc::new(Solver::new(setting, &fs::read(authority)?)?);
    let measured = runtime.block_on(measure(solver, count))?;
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

async fn measure(solver: Arc<Solver>, count: usize) -> Result<Measured, Failed> {
    let idle_mib = status("VmRSS")?;
    let (cpu, started) = (ProcessTime::now(), Instant::now());
    let (mut delivered, mut failures) = (Vec::with_capacity(count), HashMap::new());
    // Over HTTP/2 all others then share its connection.
    let first = solver.create().await?;
    let mut all = vec![tokio::spawn(Arc::clone(&solver).wait(first))];
    for _ in 1..count {
        let solver = Arc::clone(&solver);
        all.push(tokio::spawn(async move {
            let id = solver.create().await?;
            solver.wait(id).await
        }));
    }
    for one in all {
        match one.await? {
            Ok(token) => delivered.push(token),
            Err(problem) => *failures.entry(problem.to_string()).or_insert(0) += 1,
        }
    }
    let (wall_ms, cpu_ms) = (milliseconds(started.elapsed()), milliseconds(cpu.elapsed()));
    let peak_mib = status("VmHWM")?;
    let threads = fs::read_dir("/proc/self/task")?.count();
    Ok(Measured { delivered, failures, wall_ms, cpu_ms, idle_mib, peak_mib, growth_mib: peak_mib - idle_mib, threads })
}

impl Solver {
    fn new(Setting { account, website, poll_ms }: Setting, authority: &[u8]) -> Result<Self, Failed> {
        let Account { client_key, base_url, task_type } = account;
        let mut task = website;
        task.insert("type".into(), task_type.into());
        Ok(Solver {
            client: Client::builder()
                .tls_certs_only([Certificate::from_pem(authority)?])
                .redirect(redirect::Policy::none())
                .no_proxy()
                .build()?,
            places: Semaphore::new(PLACES),
            create_url: format!("{base_url}/createTask"),
            result_url: format!("{base_url}/getTaskResult"),
            create_body: json!({ "clientKey": client_key, "task": task }).to_string(),
            client_key,
            poll: Duration::from_millis(poll_ms),
        })
    }

    async fn create(&self) -> Result<Value, Failed> {
        let mut reply = self.ask(&self.create_url, self.create_body.clone()).await?;
        Ok(reply["taskId"].take())
    }

    async fn wait(self: Arc<Self>, id: Value) -> Result<(String, f64), Failed> {
        let body = json!({ "clientKey": self.client_key, "taskId": id }).to_string();
        loop {
            sleep(self.poll).await;
            let reply = self.ask(&self.result_url, body.clone()).await?;
            if let ("ready", Some(token)) =
                (reply["status"].as_str().unwrap_or(""), reply["solution"]["token"].as_str())
            {
                return Ok((token.to_owned(), milliseconds(SystemTime::now().duration_since(UNIX_EPOCH)?)));
            }
        }
    }

    async fn ask(&self, url: &str, body: String) -> Result<Value, Failed> {
        let _place = self.places.acquire().await?;
        let response = self.client.post(url).header(CONTENT_TYPE, "application/json").body(body).send().await?;
        let reply: Value = serde_json::from_slice(&response.bytes().await?)?;
        match reply["errorId"].as_i64() {
            Some(0) => Ok(reply),
            _ => Err(reply["errorCode"].to_string().into()),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A size of `/proc/self/status`, in MiB.
fn status(name: &str) -> Result<f64, Failed> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    let kib: f64 = line.trim_matches(|c: char| !c.is_ascii_digit()).parse()?;
    Ok(kib / 1024.0)
}
