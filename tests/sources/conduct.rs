//! How a provider is treated: its limits, its modes, one read-only call to check.

use std::time::{Duration, Instant};

use trueup::domain::{System, Time};
use trueup::sources::Cause;
use trueup::sources::budget::{Limits, Rate};
use trueup::sources::registry::{PROVIDERS, build};
use trueup::sources::secret::Secret;

use crate::fakes::{Answer, Fake, Held, cloudflare, hubspot, netlify, stripe, vercel, zendesk};
use crate::{CANARY, source, spec, with};

fn now() -> Time {
    Time::from_secs(stripe::START)
}

#[tokio::test]
async fn a_collection_keeps_to_its_budget() {
    let world = stripe::World { page: 1, ..stripe::World::small() };
    let (fake, _) = stripe::start(world).await;
    let rate = Rate::new(40, Duration::from_secs(1), 2);
    let source = with(System::Stripe, &fake.base, Limits { general: rate, narrow: rate, ..Limits::LOOPBACK });
    let begin = Instant::now();
    let mut held = Held::default();
    held.round(&*source, now()).await.unwrap();
    let calls = u32::try_from(fake.calls().len()).unwrap();
    let least = Duration::from_millis(25) * (calls - 3);
    assert!(begin.elapsed() >= least, "{calls} calls in {:?}", begin.elapsed());
    assert!(held.rate_left.unwrap() < 40);
}

#[tokio::test]
async fn no_budget_reaches_the_published_limit() {
    // (system, published calls, in how many seconds) for all calls and for the narrow ones.
    for (system, general, narrow) in [
        (System::Stripe, (25, 1), (25, 1)),
        (System::Paddle, (240, 60), (240, 60)),
        (System::Hubspot, (100, 10), (5, 1)),
        (System::Zendesk, (100, 60), (10, 60)),
        (System::Vercel, (100, 60), (100, 60)),
        (System::Netlify, (500, 60), (500, 60)),
        // Half of 1,200: the dashboard counts as well, and the block hits it too.
        (System::Cloudflare, (600, 300), (600, 300)),
    ] {
        let limits = PROVIDERS.iter().find(|p| p.system == system).unwrap().limits;
        for (rate, (count, secs)) in [(limits.general, general), (limits.narrow, narrow)] {
            assert_eq!(rate.per, Duration::from_secs(secs));
            assert!(rate.count + rate.burst <= count, "{system}");
        }
    }
}

#[tokio::test]
async fn a_key_of_the_other_mode_is_refused_before_any_call() {
    let fake = Fake::start(|_| Answer::new(500, "{}")).await;
    for (key, live, refused) in [
        ("sk_test_abcdefgh", true, true),
        ("rk_test_abcdefgh", true, true),
        ("sk_live_abcdefgh", false, true),
        ("pk_live_abcdefgh", true, true),
        ("whsec_abcdefghij", true, true),
        ("sk_live_abcdefgh", true, false),
        ("rk_test_abcdefgh", false, false),
    ] {
        let mut spec = spec(System::Stripe, &fake.base, Limits::LOOPBACK);
        spec.live = live;
        spec.api_key = Secret::new(key, &fake.base);
        let source = build(&spec).unwrap();
        fake.take_paths();
        for error in [source.collect(None, now()).await.unwrap_err(), source.probe(now()).await.unwrap_err()] {
            assert_eq!(error.cause == Cause::Refused, refused, "{key} {live}: {}", error.problem);
        }
        assert_eq!(fake.take_paths().is_empty(), refused, "{key} {live}");
    }
}

#[tokio::test]
async fn data_of_the_other_mode_is_refused_whatever_the_key_is_called() {
    let (fake, _) = stripe::start(stripe::World::small()).await;
    let mut spec = spec(System::Stripe, &fake.base, Limits::LOOPBACK);
    spec.live = false;
    spec.api_key = Secret::new("proxy-key", &fake.base);
    let error = build(&spec).unwrap().collect(None, now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Refused);
    assert!(error.problem.to_string().contains("live data"), "{}", error.problem);
}

#[tokio::test]
async fn a_probe_is_one_read_only_call_that_says_who_answered() {
    let (fake, _) = stripe::start(stripe::World::small()).await;
    let line = source(System::Stripe, &fake.base).probe(now()).await.unwrap();
    assert_eq!(line, "account acct_1, live mode");
    assert_eq!(fake.take_paths(), ["GET /v1/account"]);

    let world = stripe::World { forbidden: vec!["/v1/account"], ..stripe::World::small() };
    let (fake, _) = stripe::start(world).await;
    let line = source(System::Stripe, &fake.base).probe(now()).await.unwrap();
    assert!(line.as_str().contains("restricted key"));

    let (fake, _) = hubspot::start(hubspot::World::small()).await;
    let line = source(System::Hubspot, &fake.base).probe(now()).await.unwrap();
    assert_eq!(line, "answers, 2 lifecycle stages");
    assert_eq!(fake.take_paths(), ["GET /crm/v3/properties/contacts/lifecyclestage"]);

    let (fake, _) = vercel::start(vercel::World::small()).await;
    let line = source(System::Vercel, &fake.base).probe(now()).await.unwrap();
    assert_eq!((line.as_str(), fake.take_paths().len()), ("project acme-web", 1));
    let (fake, _) = netlify::start(netlify::World::small()).await;
    let line = source(System::Netlify, &fake.base).probe(now()).await.unwrap();
    assert_eq!((line.as_str(), fake.take_paths().len()), ("site acme-web", 1));
    let (fake, _) = cloudflare::start(cloudflare::World::small()).await;
    let line = source(System::Cloudflare, &fake.base).probe(now()).await.unwrap();
    assert_eq!((line.as_str(), fake.take_paths().len()), ("zone acme.example, active", 1));

    let (fake, _) = zendesk::start(zendesk::World::small()).await;
    let line = source(System::Zendesk, &fake.base).probe(now()).await.unwrap();
    assert_eq!(line, "answers, admin");
    assert!(!format!("{line:?}").contains(CANARY));
    let anonymous = r#"{"user":{"id":null,"name":"Anonymous user","role":"end-user"}}"#;
    let fake = Fake::start(move |_| Answer::new(200, anonymous)).await;
    let error = source(System::Zendesk, &fake.base).probe(now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Refused);
}

#[tokio::test]
async fn zendesk_gets_its_basic_credential() {
    let (fake, _) = zendesk::start(zendesk::World::small()).await;
    source(System::Zendesk, &fake.base).probe(now()).await.unwrap();
    // "ops@acme.example/token:pat-canary9f3a7b21"
    let expected = "Basic b3BzQGFjbWUuZXhhbXBsZS90b2tlbjpwYXQtY2FuYXJ5OWYzYTdiMjE=";
    assert_eq!(fake.calls()[0].headers["authorization"], expected);
}
