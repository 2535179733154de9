//! A small company that misbehaves on schedule, over real HTTP: "Harbor & Pine", who fit out boats and boathouses.
//!
//! Fake providers on loopback (`room.rs` is their table), a portal database in SQLite, and a story on a seeded clock. Used by
//! `trueup demo`, by `trueup sim` and by tests.
//!
//! What must stay true: one seed gives one world and one order of happenings; nothing listens beyond loopback; every
//! write that a fake applied can be asked for; stopping gives all ports back. It refuses to touch files that are not
//! its own.

mod books;
mod call;
mod catalog;
mod clock;
mod cloudflare;
mod company;
mod deeds;
mod door;
mod draft;
mod gohighlevel;
mod hubspot;
mod ids;
mod intercom;
mod mirror;
mod names;
mod netlify;
mod pipedrive;
mod plants;
mod portal;
mod post;
mod profile;
mod random;
mod releases;
mod room;
mod rooms;
mod script;
mod sign;
mod site;
mod story;
mod stripe;
mod stripe_shapes;
mod traffic;
mod vercel;
mod world;
mod zendesk;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use company::{FEWEST, MOST, Planted};
pub use door::{Fault, Request};
pub use profile::Addresses;
pub use script::{Beat, Incident};
pub use world::Effect;

use crate::domain::{Problem, System};
use clock::Clock;
use company::Company;
use door::{Door, House, locked};
use portal::Portal;
use post::Post;
use profile::Keys;
use room::ROOMS;
use story::Story;
use world::World;

/// How often the story looks at its clock, in real time.
const TICK: Duration = Duration::from_millis(120);
/// Story milliseconds that a search index lags behind writes.
const LAG: f64 = 2_500.0;
/// Requests that are under way when the company stops get this long.
const GRACE: Duration = Duration::from_secs(2);

/// What company, and how it is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for the configuration, the credentials and the portal's database. Made when missing.
    pub dir: PathBuf,
    /// What the world and the story follow from.
    pub seed: u64,
    /// Story seconds a real second; 1.0 is real time.
    pub speed: f64,
    /// Portal customers, [`FEWEST`] to [`MOST`].
    pub customers: usize,
    /// `false`: the world stands still, with every class of mismatch in it.
    pub story: bool,
    /// Whether the fakes answer 429 above the providers' limits.
    pub rate_limits: bool,
    /// A server on this machine (`http://127.0.0.1:8787`) that gets every event as a signed webhook.
    pub webhooks_to: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: PathBuf::new(),
            seed: 1,
            speed: 1.0,
            customers: 240,
            story: true,
            rate_limits: true,
            webhooks_to: None,
        }
    }
}

/// A company that is open for business.
pub struct Running {
    config: PathBuf,
    addresses: Addresses,
    planted: Vec<Planted>,
    house: Arc<House>,
    portal: Portal,
    told: Arc<Mutex<Vec<(i64, Beat)>>>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("config", &self.config).field("addresses", &self.addresses).finish()
    }
}

/// Opens the company: everything listens and every file is written when this returns.
///
/// # Errors
/// A folder that cannot be used or holds foreign files, too few or too many customers, a speed that is not above 0, a
/// webhook target beyond loopback.
pub async fn start(options: Options) -> Result<Running, Problem> {
    check(&options)?;
    let dir = profile::prepare(&options.dir)?;
    let keys = Keys::new(options.seed);
    let (stop, stopped) = watch::channel(false);
    let lag = (LAG / options.speed).min(10_000.0) as i64;
    let world = World::new(options.seed, clock::now(), lag);
    let company = company::found(world, options.seed, options.customers);
    let Company { mut world, planted, requests, names } = company;
    let log = traffic::history(&mut world, &mut random::Random::new(options.seed, "history"));
    let mut story = Story::new(options.seed, options.speed, &planted, names);
    let jobs = story.first_jobs(&world);

    let (site, site_address) = listen().await?;
    let mut doors = Vec::new();
    for room in ROOMS {
        doors.push((room, listen().await?));
    }
    let providers = doors.iter().map(|(room, (_, base))| (room.system, base.clone())).collect();
    let addresses = Addresses { providers, site: site_address };
    world.site = addresses.site.clone();
    let portal = Portal::create(&dir.join("portal.db")).await?;
    portal.fill(&world, &requests, &log, &jobs).await?;
    let config = profile::write(&dir, &world, &keys, &addresses)?;

    let mut tasks = Vec::new();
    let post = match &options.webhooks_to {
        Some(target) => {
            let (post, task) = Post::open(target, keys.clone())?;
            tasks.push(task);
            Some(post)
        }
        None => None,
    };
    let scale = (options.customers as f64 / 2_000.0).max(options.speed).max(1.0);
    let house = Arc::new(House::new(world, keys, options.rate_limits.then_some(scale), stopped));
    for (room, (listener, base)) in doors {
        let door = Door { room, base, house: Arc::clone(&house) };
        tasks.push(serve(listener, Router::new().fallback(door::answer).with_state(door), stop.subscribe()));
    }
    let pages = Router::new().fallback(site::answer).with_state(Arc::clone(&house));
    tasks.push(serve(site, pages, stop.subscribe()));
    let told = Arc::default();
    if options.story {
        let teller = Teller { story, clock: Clock::new(options.speed), post, told: Arc::clone(&told) };
        tasks.push(tokio::spawn(teller.tell(Arc::clone(&house), portal.clone(), stop.subscribe())));
    }
    Ok(Running { config, addresses, planted, house, portal, told, stop, tasks })
}

fn check(options: &Options) -> Result<(), Problem> {
    if options.dir.as_os_str().is_empty() {
        return Err(Problem::usage("no folder was given for the simulated company").hint("--dir DIR"));
    }
    if !(FEWEST..=MOST).contains(&options.customers) {
        return Err(Problem::usage(format!("a simulated company has {FEWEST} to {MOST} customers"))
            .at("--customers")
            .why(format!("{} were asked for", options.customers))
            .hint("the fewest leave room for every kind of mismatch; the most fit into memory"));
    }
    if !(options.speed > 0.0 && options.speed <= 1_000.0) {
        return Err(Problem::usage("the speed of the story is a number above 0, at most 1000")
            .at("--speed")
            .hint("1 is real time"));
    }
    Ok(())
}

async fn listen() -> Result<(TcpListener, String), Problem> {
    let broken = |e: std::io::Error| Problem::usage("no port on 127.0.0.1 could be opened").why(e.to_string());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(broken)?;
    let address = listener.local_addr().map_err(broken)?;
    Ok((listener, format!("http://{address}")))
}

fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let ended = async move {
            // An error means that the company was dropped: as good a reason to stop.
            let _ = stop.wait_for(|stopped| *stopped).await;
        };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(ended).await {
            tracing::error!(%error, "a door of the simulated company closed by itself");
        }
    })
}

/// The task that carries the story on.
struct Teller {
    story: Story,
    clock: Clock,
    post: Option<Post>,
    told: Arc<Mutex<Vec<(i64, Beat)>>>,
}

impl Teller {
    async fn tell(mut self, house: Arc<House>, portal: Portal, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = stop.wait_for(|stopped| *stopped) => return,
            }
            let moment = self.clock.story();
            let happened = self.story.advance(&mut locked(&house.world), moment, clock::now());
            if let Some(post) = &self.post {
                for arrival in &happened.sent {
                    post.put(&house, arrival);
                }
            }
            locked(&self.told).clone_from(&self.story.told);
            if let Err(problem) = portal.write(&happened.writes).await {
                tracing::error!(%problem, "the simulated portal could not be written; its story is incomplete");
            }
        }
    }
}

impl Running {
    /// The configuration that leads trueup here.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Where everything listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// What is wrong on purpose, from the start.
    pub fn planted(&self) -> &[Planted] {
        &self.planted
    }

    /// Every write that a fake applied, oldest first.
    pub fn effects(&self) -> Vec<Effect> {
        locked(&self.house.world).effects.clone()
    }

    /// Every request that the fakes got, oldest first; the newest 20,000.
    pub fn requests(&self) -> Vec<Request> {
        self.house.requests()
    }

    /// Beats of the story that were told so far, with their story second.
    pub fn told(&self) -> Vec<(i64, Beat)> {
        locked(&self.told).clone()
    }

    /// Makes a provider fail until the next call; [`Fault::None`] makes it work again.
    pub fn fault(&self, system: System, fault: Fault) {
        self.house.set_fault(system, fault);
    }

    /// Closes everything: hanging requests end, ports are given back, the database file is whole. Files stay.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        for mut task in std::mem::take(&mut self.tasks) {
            if tokio::time::timeout(GRACE, &mut task).await.is_err() {
                task.abort();
                let _ = task.await;
            }
        }
        self.portal.close().await;
    }
}

impl Drop for Running {
    /// Without [`Running::stop`] the tasks still end, only nobody waits for them.
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}
