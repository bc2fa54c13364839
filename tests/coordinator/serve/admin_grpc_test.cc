// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/clock.h"
#include "base/limits.h"
#include "base/version.h"
#include "coordinator/serve/view_codec.h"
#include "tests/coordinator/serve/served_topology.h"
#include "tests/support/paths.h"

namespace trident {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(AdminTest, BatchesShowsEachGroupAsItIs) {
  ServedTopology topology;
  topology.control.view.groups.push_back(
      {.name = "sentences",
       .last_decided = TxId(41),
       .in_flight = {{TxId(42), Attempt{Epoch(3), 2}, "staging", 500},
                     {TxId(43), Attempt{Epoch(3), 1}, "emitting", 7}},
       .max_pending = 4,
       .rows_limit = 1000,
       .bytes_limit = 1 << 20,
       .age_limit = kMillisecond,
       .rows_committed = 123'456,
       .retries = 1,
       .retries_total = 9,
       .dead_letters = 2,
       .letters_retried = 8,
       .waits_for = "four batches are undecided",
       .last_failure = Aborted("step 'split' failed"),
       .halted = {},
       .paused = true,
       .commit_p50 = 1500 * kMicrosecond,
       .commit_p99 = 9 * kMillisecond,
       .lag = {.rows = 0, .bytes = {}, .unknown_partitions = 3},
       .source_rows_skipped = 5,
       .source_rows_repaired = 6,
       .source_rows_left = 7});
  v1::BatchesResponse response;
  ASSERT_TRUE(topology.admin->Batches(Within().get(), {}, &response).ok());
  EXPECT_EQ(response.topology(), "word-count");
  EXPECT_EQ(response.epoch(), 3u);
  ASSERT_EQ(response.groups_size(), 1);
  const v1::BatchGroup& group = response.groups(0);
  EXPECT_EQ(group.last_decided(), 41u);
  ASSERT_EQ(group.in_flight_size(), 2);
  EXPECT_EQ(group.in_flight(0).txid(), 42u);
  EXPECT_EQ(group.in_flight(0).attempt(), 2u);
  EXPECT_EQ(group.in_flight(0).phase(), "staging");
  EXPECT_EQ(group.in_flight(1).rows(), 7u);
  EXPECT_EQ(group.limits().age_micros(), 1000u);
  EXPECT_EQ(group.retries_total(), 9u);
  EXPECT_EQ(group.dead_letters(), 2u);
  EXPECT_EQ(group.letters_retried(), 8u);
  EXPECT_EQ(group.last_failure(), "step 'split' failed");
  EXPECT_EQ(group.halted(), "");
  EXPECT_TRUE(group.paused());
  EXPECT_EQ(group.commit_p50_micros(), 1500u);
  EXPECT_EQ(group.commit_p99_micros(), 9000u);
  EXPECT_TRUE(group.lag().has_rows()) << "nothing waits, and that is known";
  EXPECT_EQ(group.lag().rows(), 0u);
  EXPECT_FALSE(group.lag().has_bytes());
  EXPECT_EQ(group.lag().unknown_partitions(), 3u);
  EXPECT_EQ(group.source_rows_skipped(), 5u);
  EXPECT_EQ(group.source_rows_repaired(), 6u);
  EXPECT_EQ(group.source_rows_left(), 7u);
}

TEST(AdminTest, WorkersAreShownAsTheyAreAndAsTheyWereTaken) {
  ServedTopology topology;
  topology.control.workers = {{.worker = WorkerId(0),
                               .leads = true,
                               .address = "127.0.0.1:7501",
                               .epoch = Epoch(4),
                               .executors = 2,
                               .tasks = 9,
                               .states = {{.state = "counts", .first = 3, .count = 2, .of = 64}},
                               .published = {{"1", TxId(41)}},
                               .rows_read = 1000,
                               .rows_per_second = 50,
                               .memory_bytes = 1 << 20,
                               .uptime = 3 * kSecond},
                              {.worker = WorkerId(1), .away = Unavailable("nobody is there")}};
  v1::WorkersResponse response;
  ASSERT_TRUE(topology.admin->Workers(Within().get(), {}, &response).ok());
  EXPECT_EQ(response.topology(), "word-count");
  ASSERT_EQ(response.workers_size(), 2);
  const WorkerView first = FromProto(response.workers(0));
  EXPECT_EQ(first.worker, WorkerId(0));
  EXPECT_TRUE(first.leads);
  EXPECT_EQ(first.address, "127.0.0.1:7501");
  EXPECT_TRUE(first.away.ok());
  EXPECT_EQ(first.epoch, Epoch(4));
  EXPECT_EQ(first.executors, 2u);
  EXPECT_EQ(first.tasks, 9u);
  ASSERT_EQ(first.states.size(), 1u);
  EXPECT_EQ(first.states[0].state, "counts");
  EXPECT_EQ(first.states[0].first, 3u);
  EXPECT_EQ(first.states[0].count, 2u);
  EXPECT_EQ(first.states[0].of, 64u);
  ASSERT_EQ(first.published.size(), 1u);
  EXPECT_EQ(first.published[0], (std::pair<std::string, TxId>("1", TxId(41))));
  EXPECT_EQ(first.rows_read, 1000u);
  EXPECT_EQ(first.rows_per_second, 50u);
  EXPECT_EQ(first.memory_bytes, 1u << 20);
  EXPECT_EQ(first.uptime, 3 * kSecond);
  EXPECT_EQ(Message(FromProto(response.workers(1)).away), "nobody is there");
}

TEST(AdminTest, ExplainComesAsTextOrAsAGraph) {
  ServedTopology topology;
  v1::ExplainRequest request;
  v1::ExplainResponse response;
  ASSERT_TRUE(topology.admin->Explain(Within().get(), request, &response).ok());
  EXPECT_THAT(response.plan(), StartsWith("stage 1"));
  request.set_format(v1::ExplainRequest::DOT);
  ASSERT_TRUE(topology.admin->Explain(Within().get(), request, &response).ok());
  EXPECT_THAT(response.plan(), StartsWith("digraph"));
  request.set_format(static_cast<v1::ExplainRequest::Format>(7));
  EXPECT_THAT(Said(topology.admin->Explain(Within().get(), request, &response)),
              HasSubstr("TEXT (0) or DOT (1), found 7"));
}

TEST(AdminTest, PauseAndResumeReachTheTopologyAndSayItsRefusal) {
  ServedTopology topology;
  v1::PauseResponse paused;
  ASSERT_TRUE(topology.admin->Pause(Within().get(), {}, &paused).ok());
  EXPECT_EQ(topology.control.pauses, 1);
  v1::ResumeResponse resumed;
  ASSERT_TRUE(topology.admin->Resume(Within().get(), {}, &resumed).ok());
  EXPECT_EQ(topology.control.resumes, 1);
  topology.control.pause_answer = FailedPrecondition("group sentences is halted");
  EXPECT_EQ(Said(topology.admin->Pause(Within().get(), {}, &paused)),
            "FAILED_PRECONDITION: group sentences is halted");
}

TEST(AdminTest, WhatIsAskedAboutDeadLettersIsAnsweredInOrder) {
  using Standing = v1::DeadLettersResponse::Standing;
  ServedTopology topology;
  topology.control.letter_answer = {LetterStanding::Now::kRefused, "the stream is gone"};
  v1::DeadLettersRequest request;
  request.set_action(v1::DeadLettersRequest::DROP);
  for (const int64_t row : {4, 0}) {
    v1::DeadLetter& letter = *request.add_letters();
    letter.set_stream("lines");
    letter.set_txid(7);
    letter.set_row(row);
  }
  v1::DeadLettersResponse response;
  ASSERT_TRUE(topology.admin->DeadLetters(Within().get(), request, &response).ok());
  ASSERT_EQ(response.standings_size(), 2);
  EXPECT_EQ(response.standings(1).now(), Standing::REFUSED);
  EXPECT_EQ(response.standings(1).why(), "the stream is gone");
  ASSERT_EQ(topology.control.letters_asked.size(), 1u);
  const auto& [action, letters] = topology.control.letters_asked[0];
  EXPECT_EQ(action, LetterAction::kDrop);
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].stream, "lines");
  EXPECT_EQ(letters[0].txid, 7);
  EXPECT_EQ(letters[0].row, 4);
}

TEST(AdminTest, TooManyDeadLettersOrOnesThatCannotBeAreRefused) {
  ServedTopology topology;
  v1::DeadLettersResponse response;
  const auto said = [&](const v1::DeadLettersRequest& request) {
    return Said(topology.admin->DeadLetters(Within().get(), request, &response));
  };
  v1::DeadLettersRequest many;
  for (size_t i = 0; i < kLettersPerCallMax; ++i) many.add_letters();
  EXPECT_TRUE(topology.admin->DeadLetters(Within().get(), many, &response).ok());
  many.add_letters();
  EXPECT_THAT(said(many), StartsWith("INVALID_ARGUMENT: expected at most 1000 letters"));
  v1::DeadLettersRequest negative;
  negative.add_letters()->set_row(-1);
  EXPECT_THAT(said(negative), HasSubstr("found 0 and -1"));
  v1::DeadLettersRequest other;
  other.set_action(static_cast<v1::DeadLettersRequest::Action>(9));
  EXPECT_THAT(said(other), HasSubstr("LOOK (0), RETRY (1) or DROP (2), found 9"));
  EXPECT_EQ(topology.control.letters_asked.size(), 1u);
}

TEST(AdminTest, MetricsAndVersionAreText) {
  ServedTopology topology;
  v1::MetricsResponse metrics;
  ASSERT_TRUE(topology.admin->Metrics(Within().get(), {}, &metrics).ok());
  EXPECT_EQ(metrics.text(), "trident_last_decided 7\n");
  v1::VersionResponse version;
  ASSERT_TRUE(topology.admin->Version(Within().get(), {}, &version).ok());
  EXPECT_EQ(version.version(), std::string(kVersion));
  EXPECT_EQ(version.topology(), "word-count");
}

TEST(AdminTest, ANameThatIsNotUtf8DoesNotSpoilTheAnswer) {
  ServedTopology topology;
  topology.control.view.name = "word\xff";
  v1::BatchesResponse response;
  ASSERT_TRUE(topology.admin->Batches(Within().get(), {}, &response).ok());
  EXPECT_EQ(response.topology(), "word");
}

TEST(VersionTest, TheHeaderSaysWhatTheBuildSays) {
  std::ifstream file(InSourceTree("CMakeLists.txt"));
  const std::string build{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(build, HasSubstr("project(trident VERSION " + std::string(kVersion) + " "));
}

}  // namespace
}  // namespace trident
