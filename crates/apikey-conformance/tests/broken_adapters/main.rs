//! The adapter suite bites: each deliberate defect is noticed by the case that is about it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::cognitive_complexity,
    reason = "every await counts as branches, more of them where another crate turns on `tracing/log`"
)]

mod http1;
mod http2;
mod server;

use std::panic::{AssertUnwindSafe, catch_unwind};

use apikey_conformance::{Harness, Running, Service, adapter, adapter_suite, run};

/// Serves without any framework, and without a defect.
struct Sound;

impl Harness for Sound {
    async fn serve(service: Service) -> Running {
        server::serve(service, server::Defect::None).await
    }
}

adapter_suite!(without_a_defect, Sound);

/// One test for each pair: on an adapter with the defect, the case fails.
macro_rules! notices {
    ($($defect:ident: $room:ident::$case:ident as $test:ident;)*) => {$(
        #[test]
        fn $test() {
            struct Broken;

            impl Harness for Broken {
                async fn serve(service: Service) -> Running {
                    server::serve(service, server::Defect::$defect).await
                }
            }

            let outcome = catch_unwind(AssertUnwindSafe(|| {
                run(stringify!($case), &[], Ok(()), adapter::$room::$case::<Broken>());
            }));
            assert!(outcome.is_err(), "{} passes {}", stringify!($defect), stringify!($case));
        }
    )*};
}

notices! {
    TakesFirstLine: table::answers_requests_with_authorization as an_adapter_that_takes_the_first_of_many_keys;
    ReadsLossily: table::answers_requests_with_authorization as an_adapter_that_repairs_what_is_not_utf8;
    MindsHeaderCase: table::answers_requests_with_two_headers as an_adapter_that_minds_the_case_of_header_names;
    LosesChallenge: table::answers_requests_with_bearer_tokens as an_adapter_that_loses_a_header;
    LosesQuery: table::answers_requests_with_a_query as an_adapter_that_loses_the_query;
    EchoesKey: table::answers_requests_with_a_query as an_adapter_that_echoes_the_key;
    AllowsCaching: table::answers_requests_with_authorization as an_adapter_that_allows_caching;
    RepeatsChallenge: table::answers_requests_with_authorization as an_adapter_that_repeats_a_header;
    RoutesFirst: guard::refuses_unknown_paths_and_methods_first as an_adapter_that_routes_first;
    GuardsByBeginning: guard::guards_nothing_beside_the_subtree as an_adapter_that_guards_by_beginning;
    VerifiesTwice: guard::asks_the_store_once_per_request as an_adapter_that_verifies_twice;
    SwallowsRefusals: guard::an_optional_key_may_be_absent_but_not_bad as an_adapter_that_swallows_refusals;
    ChallengesForbidden: guard::answers_403_without_a_challenge_where_a_rule_refuses as an_adapter_that_challenges_where_no_key_helps;
    MixesHandles: guard::keeps_two_handles_apart as an_adapter_that_mixes_handles;
    SendsBodyOnHead: guard::answers_head_like_get as an_adapter_that_sends_a_body_on_head;
    TellsReason: guard::tells_nobody_the_state_of_a_key as an_adapter_that_tells_the_reason;
    BlamesClient: failure::answers_503_when_the_store_fails as an_adapter_that_blames_the_client;
    BlamesClient: failure::answers_503_when_the_hasher_is_not_configured as an_adapter_that_blames_the_key;
    BlamesItself: failure::refuses_a_key_with_a_damaged_hash as an_adapter_that_blames_itself;
    ForgetsWhenToRetry: failure::answers_503_when_the_hash_queue_is_full as an_adapter_that_forgets_when_to_retry;
    HidesMisconfiguration: failure::answers_500_where_no_handle_is_configured as an_adapter_that_hides_misconfiguration;
    RemembersKeys: keep_alive::judges_each_request_of_a_connection_by_itself as an_adapter_that_remembers_keys;
    ForgetsBody: keep_alive::reads_no_request_out_of_a_refused_body as an_adapter_that_forgets_bodies;
    SharesAnswers: load::answers_50_parallel_requests_each_for_itself as an_adapter_that_shares_answers;
    IsBusy: load::survives_a_client_that_hangs_up as an_adapter_that_does_one_thing_at_a_time;
    LeaksPlaces: load::gives_back_the_places_of_clients_that_hang_up as an_adapter_that_leaks_places_to_hang_ups;
    LeaksPlaces: load::survives_a_handler_that_panics as an_adapter_that_leaks_places_to_panics;
    MixesStreams: http2::answers_streams_of_one_connection_each_for_itself as an_adapter_that_mixes_streams;
    IsBusy: http2::survives_a_stream_that_is_reset as an_adapter_that_serves_one_stream_at_a_time;
    LeaksPlaces: http2::gives_back_the_places_of_streams_that_are_reset as an_adapter_that_leaks_places_to_resets;
    LogsKeys: log::logs_each_refusal_once_and_no_secret as an_adapter_that_logs_keys;
    VerifiesTwice: log::logs_each_refusal_once_and_no_secret as an_adapter_that_logs_refusals_twice;
}
