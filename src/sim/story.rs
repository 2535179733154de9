//! Carries the story on: takes what is due from a queue, changes the world, and says what the portal's tables must
//! hear and which webhooks go out.
//!
//! What must stay true: the order of happenings depends on the seed alone; nothing grows without bound however long it
//! runs; planted customers are left alone, except by the beats that are about them.

use std::collections::BTreeMap;

use super::company::{Planted, contact_card};
use super::names::Names;
use super::portal::{self, JOB_TRIES, JobRow, Write};
use super::random::Random;
use super::rooms::{Ticket, User};
use super::script::{Beat, INCIDENTS, Incident, JOB_RETRIES, RETRIES, ROUND, SCRIPT};
use super::traffic::{self, Arrival};
use super::world::{Page, World};
use super::{catalog, ids};
use crate::domain::{System, Time};

/// Things done in one step, at most; the rest waits for the next.
const BURST: usize = 2_000;
/// Story milliseconds between two clearings of the log.
const SWEEP: i64 = 60_000;

const HOOK_ERROR: (i64, &str) = (500, "TypeError: cannot read 'plan' of undefined");
const TIMEOUT: (i64, &str) = (504, "no answer within 10 s");
const CRM_ERROR: &str = "HubSpot answered 503 Service Unavailable";
const SCOPE_ERROR: &str = "HubSpot answered 403: missing scope crm.objects.contacts.write";

/// What a webhook makes the portal do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Let in, on what Stripe says is the plan.
    Activate,
    /// Shut out.
    Cancel,
}

/// What a job does in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Makes or updates the HubSpot contact.
    Contact,
    /// Makes the Zendesk user.
    User,
    /// Makes the Zendesk ticket of a request: (its number, what about).
    Ticket(usize, &'static str),
}

#[derive(Clone, Debug)]
enum Step {
    Round(i64),
    Beat(Beat),
    Everyday,
    Sweep,
    Deliver { arrival: Arrival, change: Option<Change>, lost: bool, tries: usize },
    Run { job: JobRow, work: Work },
}

/// What one step brings.
#[derive(Debug, Default)]
pub(super) struct Happened {
    /// For the portal's database, in order.
    pub writes: Vec<Write>,
    /// Webhooks that were sent.
    pub sent: Vec<Arrival>,
}

/// The story and where it stands.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) random: Random,
    pub(super) names: Names,
    queue: BTreeMap<(i64, u64), Step>,
    placed: u64,
    jobs: u64,
    pub(super) fresh: Vec<usize>,
    pub(super) lost: Vec<usize>,
    dead: Vec<(JobRow, Work)>,
    pub(super) newcomers: usize,
    speed: f64,
    /// Beats that were told, with their story second; only the first few hundred are kept.
    pub told: Vec<(i64, Beat)>,
}

impl Story {
    /// A story about a company, with the first round laid out. `names` are those that are not given out yet.
    pub(super) fn new(seed: u64, speed: f64, planted: &[Planted], names: Names) -> Self {
        let fresh = planted
            .iter()
            .filter(|p| p.fresh)
            .flat_map(|p| p.customers.iter().filter_map(|id| ids::account_number(id.as_str())))
            .collect();
        let mut story = Self {
            random: Random::new(seed, "story"),
            names,
            queue: BTreeMap::new(),
            placed: 0,
            jobs: 0,
            fresh,
            lost: Vec::new(),
            dead: Vec::new(),
            newcomers: 0,
            speed,
            told: Vec::new(),
        };
        story.place(0, Step::Round(0));
        story.place(0, Step::Everyday);
        story.place(SWEEP, Step::Sweep);
        story
    }

    /// The jobs that are in the portal's queue when the story begins: some wait, some are dead.
    pub(super) fn first_jobs(&mut self, world: &World) -> Vec<JobRow> {
        let now = world.started.ms();
        let mut rows = Vec::new();
        for (ago, state, error) in [
            (5 * 3_600_000, "dead", SCOPE_ERROR),
            (5 * 3_600_000 - 40_000, "dead", SCOPE_ERROR),
            (4 * 3_600_000, "dead", SCOPE_ERROR),
            (90_000, "waiting", CRM_ERROR),
            (40_000, "waiting", CRM_ERROR),
        ] {
            let Some(account) = traffic::clean_account(world, &mut self.random) else { continue };
            let mut job = self.job("hubspot contact", account, now - ago);
            job.state = state;
            job.error = Some(error);
            job.attempts = if state == "dead" { JOB_TRIES } else { 2 };
            job.run_at = if state == "dead" { now - ago + 120_000 } else { now + 12_000 };
            rows.push(job.clone());
            if state == "dead" {
                self.dead.push((job, Work::Contact));
            } else {
                self.place(12_000, Step::Run { job, work: Work::Contact });
            }
        }
        rows
    }

    /// Tells everything that is due at this story moment.
    pub(super) fn advance(&mut self, world: &mut World, story: i64, now: Time) -> Happened {
        let mut happened = Happened::default();
        for _ in 0..BURST {
            let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= story) else { break };
            let ((due, _), step) = entry.remove_entry();
            self.take(world, due, now.ms(), step, &mut happened);
        }
        happened
    }

    fn place(&mut self, due: i64, step: Step) {
        self.placed += 1;
        self.queue.insert((due, self.placed), step);
    }

    /// A span of story time in real milliseconds.
    fn real(&self, story: i64) -> i64 {
        (story as f64 / self.speed) as i64
    }

    fn take(&mut self, world: &mut World, due: i64, now: i64, step: Step, out: &mut Happened) {
        match step {
            Step::Round(number) => self.lay_out(due, number),
            Step::Beat(beat) => {
                if self.told.len() < 500 {
                    self.told.push((due / 1000, beat));
                }
                self.tell(world, due, now, beat, out);
            }
            Step::Everyday => {
                let arrival = traffic::everyday(world, &mut self.random, now);
                if !world.down.contains(&arrival.source) {
                    self.send(due, arrival, None, false);
                }
                let wait = self.random.wait(traffic::PACE).max(30);
                self.place(due + wait, Step::Everyday);
            }
            Step::Sweep => {
                // A hurried story writes more: what is kept then is fewer minutes, not more rows.
                let kept = (traffic::LOGGED as f64 / (self.speed / 10.0).max(1.0)) as i64;
                out.writes.push(portal::prune(now - kept));
                self.place(due + SWEEP, Step::Sweep);
            }
            Step::Deliver { arrival, change, lost, tries } => {
                self.deliver(world, due, now, (arrival, change, lost, tries), out);
            }
            Step::Run { job, work } => self.run(world, due, now, job, work, out),
        }
    }

    fn lay_out(&mut self, due: i64, number: i64) {
        let stretch = if number == 0 { 1.0 } else { 1.4 + self.random.unit() };
        let skipped: Vec<Incident> =
            INCIDENTS.iter().copied().filter(|_| number > 0 && self.random.percent(55.0)).collect();
        for (at, beat) in SCRIPT {
            let skip = match beat {
                Beat::Begin(incident) | Beat::End(incident) => skipped.contains(incident),
                Beat::PayLost => skipped.contains(&Incident::Deploy),
                Beat::Sync(_) | Beat::Pay => number > 0 && self.random.percent(40.0),
                _ => false,
            };
            let jitter = if number == 0 { 0 } else { self.random.between(0, 2_500) };
            let lasting = matches!(beat, Beat::Begin(_) | Beat::End(_));
            if !skip {
                let offset = (*at as f64 * 1000.0 * stretch) as i64 + if lasting { 0 } else { jitter };
                self.place(due + offset, Step::Beat(*beat));
            }
        }
        self.place(due + (ROUND as f64 * 1000.0 * stretch) as i64, Step::Round(number + 1));
    }

    fn tell(&mut self, world: &mut World, due: i64, now: i64, beat: Beat, out: &mut Happened) {
        match beat {
            Beat::SignUp => self.sign_up(world, due, now, out),
            Beat::Pay => self.pay(world, due, now, false),
            Beat::PayLost => self.pay(world, due, now, true),
            Beat::Ask => self.ask(world, due, now, out),
            Beat::Solve => self.solve(world, due, now),
            Beat::Leave => self.leave(world, due, now),
            Beat::Sync(count) => {
                for _ in 0..count {
                    if let Some(account) = traffic::clean_account(world, &mut self.random) {
                        self.enqueue("hubspot contact", account, Work::Contact, (due, now, 600), out);
                    }
                }
            }
            Beat::Settle => self.settle(world, due, now),
            Beat::Rescue => {
                for account in std::mem::take(&mut self.lost) {
                    change_account(world, account, Change::Activate, now, out);
                }
            }
            Beat::Retry => {
                for (job, work) in std::mem::take(&mut self.dead) {
                    let wait = self.random.between(500, 6_000);
                    let job = JobRow { state: "due", attempts: 0, run_at: now, ..job };
                    out.writes.push(portal::put_job(&job));
                    self.place(due + wait, Step::Run { job, work });
                }
            }
            Beat::Begin(incident) | Beat::End(incident) => {
                let begins = matches!(beat, Beat::Begin(_));
                match incident {
                    // The release that breaks the handler, and the one that mends it.
                    Incident::Deploy => {
                        world.hook_broken = begins;
                        world.portal_releases.release(now);
                    }
                    Incident::Crm => world.set_down(System::Hubspot, begins),
                    Incident::SlowLogin => world.login = if begins { Page::Slow(1_900) } else { Page::Well },
                    Incident::NoLogin => world.login = if begins { Page::Down } else { Page::Well },
                }
            }
        }
    }

    /// Sends an event to the portal; it arrives a moment later.
    pub(super) fn send(&mut self, due: i64, arrival: Arrival, change: Option<Change>, lost: bool) {
        let wait = self.random.between(150, 900);
        self.place(due + wait, Step::Deliver { arrival, change, lost, tries: 0 });
    }

    fn deliver(
        &mut self,
        world: &mut World,
        due: i64,
        now: i64,
        (arrival, change, lost, tries): (Arrival, Option<Change>, bool, usize),
        out: &mut Happened,
    ) {
        let broken = arrival.source == System::Stripe && world.hook_broken && !lost;
        let failure = if broken {
            Some(HOOK_ERROR)
        } else if tries == 0 && change.is_none() && self.random.percent(0.6) {
            Some(TIMEOUT)
        } else {
            None
        };
        let row = traffic::logged(world, &mut self.random, &arrival, failure, tries as i64 + 1);
        out.writes.push(portal::log(&row));
        out.sent.push(arrival.clone());
        if failure.is_some() {
            // The provider gives up after the last of its retries; the story's incidents are shorter than that.
            if let Some(wait) = RETRIES.get(tries) {
                let wait = wait + self.random.between(0, wait / 3);
                self.place(due + wait, Step::Deliver { arrival, change, lost, tries: tries + 1 });
            }
            return;
        }
        if let (Some(change), Some(account), false) = (change, arrival.account, lost) {
            change_account(world, account, change, now, out);
            self.enqueue("hubspot contact", account, Work::Contact, (due, now, 1_500), out);
        }
    }

    fn job(&mut self, kind: &'static str, account: usize, created: i64) -> JobRow {
        self.jobs += 1;
        let id = format!("job_{}", self.jobs + 9_000);
        JobRow { id, kind, account, state: "due", attempts: 0, run_at: created, error: None, created }
    }

    pub(super) fn enqueue(
        &mut self,
        kind: &'static str,
        account: usize,
        work: Work,
        (due, now, wait): (i64, i64, i64),
        out: &mut Happened,
    ) {
        let mut job = self.job(kind, account, now);
        let wait = wait + self.random.between(0, wait / 2);
        job.run_at = now + self.real(wait);
        out.writes.push(portal::put_job(&job));
        self.place(due + wait, Step::Run { job, work });
    }

    fn run(&mut self, world: &mut World, due: i64, now: i64, mut job: JobRow, work: Work, out: &mut Happened) {
        if work == Work::Contact && world.down.contains(&System::Hubspot) {
            job.attempts += 1;
            job.error = Some(CRM_ERROR);
            let wait = JOB_RETRIES.get(job.attempts as usize - 1).copied().filter(|_| job.attempts < JOB_TRIES);
            job.state = if wait.is_some() { "waiting" } else { "dead" };
            if let Some(wait) = wait {
                let wait = wait + self.random.between(0, 2_000);
                job.run_at = now + self.real(wait);
                out.writes.push(portal::put_job(&job));
                self.place(due + wait, Step::Run { job, work });
            } else {
                out.writes.push(portal::put_job(&job));
                self.dead.push((job, work));
            }
            return;
        }
        out.writes.push(portal::drop_job(&job.id));
        let account = job.account;
        match work {
            Work::Contact => self.sync_contact(world, due, now, account),
            Work::User => {
                let Some(row) = world.accounts.get(account).filter(|a| a.desk_user.is_none()) else { return };
                let (name, email) = (row.name.clone(), row.email.clone());
                let external = Some(ids::account(account));
                let user = User { name, email, external, role: "end-user", created: now, updated: now };
                let number = world.desk.add_user(user);
                if let Some(row) = world.accounts.get_mut(account) {
                    row.desk_user = Some(number);
                }
                self.arrive(System::Zendesk, "user.created", account, (due, now));
            }
            Work::Ticket(request, subject) => {
                let Some(requester) = world.accounts.get(account).and_then(|a| a.desk_user) else { return };
                let external = Some(ids::request(request));
                let subject = subject.to_owned();
                let ticket = Ticket { subject, requester, external, status: "new", created: now, updated: now };
                let number = world.desk.add_ticket(ticket);
                let id = ids::desk_ticket(number as usize).to_string();
                out.writes.push(portal::link_request(&ids::request(request), id));
                self.arrive(System::Zendesk, "ticket.created", account, (due, now));
            }
        }
        if let Some(row) = world.accounts.get(account) {
            out.writes.push(portal::set_links(account, row));
        }
    }

    /// Brings a customer's contact in line with the portal, making it when there is none.
    fn sync_contact(&mut self, world: &mut World, due: i64, now: i64, account: usize) {
        let Some(row) = world.accounts.get(account) else { return };
        let stage = match row.status {
            Some("trialing") => "opportunity",
            Some("canceled") => "other",
            _ => "customer",
        };
        let kind = if let Some(contact) = row.contact {
            world.contacts.change(contact, &[("lifecyclestage".to_owned(), stage.to_owned())], now);
            "contact.propertyChange"
        } else {
            let who = (row.name.as_str(), row.email.as_str(), row.country);
            let number = world.contacts.add(contact_card(who, stage, Some(ids::account(account)), now, now));
            if let Some(row) = world.accounts.get_mut(account) {
                row.contact = Some(number);
            }
            "contact.creation"
        };
        self.arrive(System::Hubspot, kind, account, (due, now));
    }

    fn arrive(&mut self, source: System, kind: &'static str, account: usize, (due, now): (i64, i64)) {
        let arrival = traffic::arrive_other(source, &mut self.random, kind, Some(account), now);
        self.send(due, arrival, None, false);
    }
}

/// What the portal's handler does when an event has arrived.
fn change_account(world: &mut World, number: usize, change: Change, now: i64, out: &mut Happened) {
    let Some(payer) = world.accounts.get(number).and_then(|a| a.payer) else { return };
    let last = world.books.of.get(payer as usize).and_then(|o| o.subscriptions.last().copied());
    let price = last.and_then(|n| world.books.subscriptions.get(n as usize)).and_then(|s| s.price);
    let plan = price.and_then(|p| catalog::PRICES.get(p)).and_then(|p| p.plan);
    let Some(account) = world.accounts.get_mut(number) else { return };
    account.updated = now;
    match change {
        Change::Activate => {
            account.status = Some("active");
            account.plan = plan.or(account.plan);
        }
        Change::Cancel => account.status = Some("canceled"),
    }
    out.writes.push(portal::set_subscription(number, account));
}
