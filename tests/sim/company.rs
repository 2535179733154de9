//! The folder, the files, the size, and that one seed gives one world.

use std::collections::HashSet;
use std::time::Instant;

use trueup::sim::{Options, start};

use crate::house::{Folder, frozen, open};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_seed_gives_one_world_and_another_seed_another() {
    let (a, b, c) = (frozen(7).await, frozen(7).await, frozen(8).await);
    assert_eq!(a.running.planted(), b.running.planted());
    assert_ne!(a.running.planted(), c.running.planted());
    let sql = r#"select u.id, u.email, u.name, s.status, s.plan, s."stripeCustomerId", u."hubspotContactId"
                 from users u join subscriptions s on s."userId" = u.id order by u.id"#;
    assert_eq!(a.portal(sql).await, b.portal(sql).await);
    assert_ne!(a.portal(sql).await, c.portal(sql).await);
    let ids = async |h: &crate::house::House, path: &str| -> Vec<String> {
        h.stripe_all(path).await.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
    };
    for path in ["/v1/customers", "/v1/subscriptions?status=all", "/v1/invoices"] {
        assert_eq!(ids(&a, path).await, ids(&b, path).await, "{path}");
    }
    for house in [a, b, c] {
        house.running.stop().await;
    }
}

#[tokio::test]
async fn the_configuration_has_the_contracts_keys_and_nothing_else_can_read_the_credentials() {
    let house = frozen(1).await;
    let text = std::fs::read_to_string(house.running.config()).unwrap();
    let config: toml::Table = toml::from_str(&text).unwrap();
    let keys: HashSet<&str> = config.keys().map(String::as_str).collect();
    let known = ["version", "name", "environment", "store", "portal", "plans", "policy", "acting", "sources", "checks"];
    assert_eq!(keys, known.into_iter().collect());
    assert_eq!(config["name"].as_str(), Some("Harbor & Pine"));
    let portal: HashSet<&str> = config["portal"].as_table().unwrap().keys().map(String::as_str).collect();
    assert_eq!(portal, ["url", "customers", "states", "tickets", "deliveries", "jobs"].into_iter().collect());
    for source in ["stripe", "hubspot", "pipedrive", "gohighlevel", "intercom", "zendesk"] {
        let table = &config["sources"][source];
        let file = house.folder.0.join(table["api_key_file"].as_str().unwrap());
        assert!(!std::fs::read_to_string(&file).unwrap().trim().is_empty());
        assert!(!text.contains(std::fs::read_to_string(&file).unwrap().trim()), "{source}: key in the configuration");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&house.folder.0), 0o700);
        let keys = ["stripe", "hubspot", "pipedrive", "gohighlevel", "intercom", "zendesk"]
            .map(|source| format!("{source}.key"));
        let secrets =
            ["stripe", "hubspot", "pipedrive", "intercom", "zendesk"].map(|source| format!("{source}.secret"));
        for name in keys.iter().chain(&secrets) {
            assert_eq!(mode(&house.folder.0.join(name)), 0o600, "{name}");
        }
    }
    // Every mapping query runs on the real tables and brings the columns that the contract names.
    let queries = [
        ("customers", "id email name state plan billing_id crm_id support_id created_at updated_at trial_ends_at"),
        ("tickets", "id customer_id email subject created_at external_id"),
        ("deliveries", "id event_id source type received_at state status latency_ms error"),
        ("jobs", "id kind key state attempts max_attempts run_at last_error customer_id"),
    ];
    for (part, columns) in queries {
        use sqlx::{AssertSqlSafe, Column, Connection, Row};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(house.folder.0.join("portal.db"));
        let mut connection = sqlx::sqlite::SqliteConnection::connect_with(&options).await.unwrap();
        let sql = config["portal"][part]["query"].as_str().unwrap().to_owned();
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        let names: HashSet<&str> = rows[0].columns().iter().map(|c| c.name()).collect();
        for column in columns.split(' ') {
            assert!(names.contains(column), "{part} has no {column}");
        }
    }
    house.running.stop().await;
}

#[tokio::test]
async fn a_folder_with_somebody_elses_files_is_left_alone() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    std::fs::write(folder.0.join("portal.db"), "precious").unwrap();
    let options = Options { dir: folder.0.clone(), story: false, ..Options::default() };
    let problem = start(options).await.unwrap_err();
    assert!(problem.to_string().contains("portal.db"), "{problem}");
    assert_eq!(std::fs::read_to_string(folder.0.join("portal.db")).unwrap(), "precious");
}

#[tokio::test]
async fn a_folder_of_an_earlier_run_is_taken_over() {
    let first = frozen(1).await;
    let dir = first.folder.0.clone();
    first.running.stop().await;
    let again = start(Options { dir, story: false, ..Options::default() }).await.unwrap();
    again.stop().await;
}

#[tokio::test]
async fn nonsense_is_refused_with_a_hint() {
    let folder = Folder::new();
    let sane = Options { dir: folder.0.clone(), story: false, ..Options::default() };
    for options in [
        Options { dir: std::path::PathBuf::new(), ..sane.clone() },
        Options { customers: 3, ..sane.clone() },
        Options { customers: 10_000_000, ..sane.clone() },
        Options { speed: 0.0, ..sane.clone() },
        Options { speed: f64::NAN, ..sane.clone() },
        Options { webhooks_to: Some("https://example.com".to_owned()), ..sane.clone() },
    ] {
        let problem = start(options.clone()).await.map(|_| ()).unwrap_err();
        assert!(problem.hint.is_some(), "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_customers_open_quickly_and_page_quickly() {
    let begun = Instant::now();
    let house = open(Options { customers: 100_000, story: false, ..Options::default() }).await;
    let opened = begun.elapsed();
    assert!(opened.as_secs() < 30, "{opened:?} (unoptimised, on a busy machine; 10 s is the goal for a release build)");
    let count = house.portal("select count(*) from users").await;
    assert_eq!(count, [[Some("100000".to_owned())]]);
    let begun = Instant::now();
    let (_, page) = house.stripe("/v1/customers?limit=100").await;
    for _ in 0..20 {
        let last = page["data"][99]["id"].as_str().unwrap();
        let (status, _) = house.stripe(&format!("/v1/customers?limit=100&starting_after={last}")).await;
        assert_eq!(status, 200);
    }
    eprintln!("opened in {opened:?}; 21 pages of 100 in {:?}", begun.elapsed());
    house.running.stop().await;
}
