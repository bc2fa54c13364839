// SPDX-License-Identifier: Apache-2.0
//
// Reads between workers over a real port: each answer arrives as it was given, and what cannot be
// is refused.
#include "coordinator/cluster/part_read_service.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"

namespace trident {
namespace {

PartRead Read() {
  return {.epoch = Epoch(3),
          .reader = WorkerId(2),
          .state = "counts",
          .group = GroupId(1),
          .txid = TxId(17),
          .held = TxId(15),
          .said = 9};
}

// Answers what a test sets, and remembers what it was asked.
class SetParts final : public PartReads {
 public:
  StatusOr<ReadableState::Answers> Get(const PartRead& read,
                                       std::span<const std::string_view> keys) override {
    last = read;
    asked.emplace_back(keys.begin(), keys.end());
    if (!failure.ok()) return failure;
    ReadableState::Answers out;
    for (const std::string_view key : keys) {
      if (key == "bad") {
        out.emplace_back(Aborted("the codec threw: \"", key, "\""));
      } else if (key == "absent") {
        out.emplace_back(std::optional<std::string>());
      } else {
        out.emplace_back(std::string(value_bytes, key.empty() ? 'e' : key.front()));
      }
    }
    return out;
  }
  StatusOr<StatePage> Scan(const PartRead& read, const KeyRange& range,
                           PageLimits limits) override {
    last = read;
    last_range = range;
    last_limits = limits;
    if (!failure.ok()) return failure;
    return page;
  }
  StatusOr<ChangesAt> FirstChanges(const PartRead& read, TxId after,
                                   const KeyRange& range) override {
    last = read;
    last_after = after;
    last_range = range;
    if (!failure.ok()) return failure;
    return changes;
  }
  StatusOr<PartCounts> Counts(const PartRead& read) override {
    last = read;
    if (!failure.ok()) return failure;
    return PartCounts{1, 2, 3};
  }
  Status Hold(const PartRead& read) override {
    last = read;
    return failure;
  }

  Status failure;
  size_t value_bytes = 5;
  StatePage page;
  ChangesAt changes;
  PartRead last;
  std::vector<std::vector<std::string>> asked;
  TxId last_after;
  KeyRange last_range;
  PageLimits last_limits;
};

// Answers with the number of the question.
class FakeQuestions final : public ProcessQuestions {
 public:
  StatusOr<std::string> Ask(ProcessQuestion question) override {
    if (question == ProcessQuestion::kPause)
      return FailedPrecondition("this process does not lead");
    return std::to_string(static_cast<int>(question));
  }
};

class PartReadServiceTest : public ::testing::Test {
 protected:
  PartReadServiceTest() : service_(NewPartReadService(parts_, questions_, "a secret")) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(service_.get());
    // As the links do; see engine/links/grpc_streams.cc.
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::CQ_TIMEOUT_MSEC, 200);
    server_ = builder.BuildAndStart();
    far_ = NewFarPart(Address(), "a secret", std::nullopt);
  }
  std::string Address() const { return Concat("127.0.0.1:", port_); }

  SetParts parts_;
  FakeQuestions questions_;
  std::shared_ptr<grpc::Service> service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<PartReads> far_;
};

TEST_F(PartReadServiceTest, AnswersToKeysArriveInTheirOrder) {
  const std::string strange("\0\xff", 2);
  const std::vector<std::string_view> keys = {"b", "absent", "bad", strange, "", "b"};
  const auto answers = far_->Get(Read(), keys);
  ASSERT_TRUE(answers.ok()) << answers.status();
  ASSERT_EQ(answers->size(), keys.size());
  EXPECT_EQ(**(*answers)[0], "bbbbb");
  EXPECT_EQ(*(*answers)[1], std::nullopt);
  EXPECT_EQ((*answers)[2].status().code(), StatusCode::kAborted);
  EXPECT_EQ(Message((*answers)[2].status()), "the codec threw: \"bad\"");
  EXPECT_EQ(**(*answers)[3], std::string(5, '\0'));
  EXPECT_EQ(**(*answers)[4], "eeeee");
  EXPECT_EQ(**(*answers)[5], "bbbbb");
  EXPECT_EQ(parts_.last.epoch, Epoch(3));
  EXPECT_EQ(parts_.last.reader, WorkerId(2));
  EXPECT_EQ(parts_.last.state, "counts");
  EXPECT_EQ(parts_.last.group, GroupId(1));
  EXPECT_EQ(parts_.last.txid, TxId(17));
  EXPECT_EQ(parts_.last.held, TxId(15));
  EXPECT_EQ(parts_.last.said, 9u);
}

TEST_F(PartReadServiceTest, ManyLargeValuesComeInSeveralMessages) {
  parts_.value_bytes = static_cast<size_t>(kValueBytesMax);
  const std::vector<std::string> names = {"a", "b", "c", "d", "e", "f", "g"};
  const std::vector<std::string_view> keys(names.begin(), names.end());
  const auto answers = far_->Get(Read(), std::span(keys).first(1));
  ASSERT_TRUE(answers.ok()) << answers.status();
  parts_.value_bytes = 1 * kMiB;
  const auto more = far_->Get(Read(), keys);
  ASSERT_TRUE(more.ok()) << more.status();
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(**(*more)[i], std::string(1 * kMiB, keys[i].front()));
  }
}

TEST_F(PartReadServiceTest, PagesArriveWithTheirErrorsAndWhereTheyGoOn) {
  parts_.page = {{{"a", "1"}, {"b", "", Aborted("no")}, {std::string("c\0d", 3), ""}}, "e"};
  auto page = far_->Scan(Read(), {"a", "x"}, {.rows = 9, .bytes = 1'000});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->rows, parts_.page.rows);
  EXPECT_EQ(page->resume, "e");
  EXPECT_EQ(parts_.last_range.begin, "a");
  EXPECT_EQ(parts_.last_range.end, "x");
  EXPECT_EQ(parts_.last_limits.rows, 9u);
  EXPECT_EQ(parts_.last_limits.bytes, 1'000u);
  parts_.page = {{}, std::nullopt};
  page = far_->Scan(Read(), KeyRange::All(), {});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_TRUE(page->rows.empty());
  EXPECT_EQ(page->resume, std::nullopt);
}

TEST_F(PartReadServiceTest, ChangesArriveWithRemovedAndUnreadableKeys) {
  parts_.changes = {TxId(16), {{"a", "1"}, {"b", std::nullopt}, {"c", "", Aborted("no")}}};
  const auto first = far_->FirstChanges(Read(), TxId(11), {"a", ""});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->txid, TxId(16));
  EXPECT_EQ(first->changes, parts_.changes.changes);
  EXPECT_EQ(parts_.last_after, TxId(11));
  const auto counts = far_->Counts(Read());
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->keys, 1u);
  EXPECT_EQ(counts->expired, 2u);
  EXPECT_EQ(counts->unreadable, 3u);
  EXPECT_TRUE(far_->Hold(Read()).ok());
}

TEST_F(PartReadServiceTest, ErrorsKeepTheirCodeAndMessage) {
  parts_.failure = OutOfRange("txid 17 is not readable any more");
  const std::vector<std::string_view> keys = {"a"};
  EXPECT_EQ(far_->Get(Read(), keys).status(), parts_.failure);
  EXPECT_EQ(far_->Scan(Read(), {}, {}).status(), parts_.failure);
  EXPECT_EQ(far_->FirstChanges(Read(), TxId(1), {}).status(), parts_.failure);
  EXPECT_EQ(far_->Counts(Read()).status(), parts_.failure);
  EXPECT_EQ(far_->Hold(Read()), parts_.failure);
}

TEST_F(PartReadServiceTest, WhoBringsNoTokenOrAnotherLearnsNothing) {
  for (const char* token : {"", "another", "a secret "}) {
    const auto stranger = NewFarPart(Address(), token, std::nullopt);
    const Status refused = stranger->Counts(Read()).status();
    EXPECT_EQ(refused.code(), StatusCode::kUnauthenticated) << refused;
    EXPECT_EQ(parts_.last.state, "") << "nothing was asked";
  }
}

TEST_F(PartReadServiceTest, AReadWithoutAnEpochOrWithTooManyKeysIsRefused) {
  PartRead read = Read();
  read.epoch = Epoch();
  EXPECT_TRUE(absl::IsInvalidArgument(far_->Hold(read)));
  const std::vector<std::string_view> none;
  EXPECT_TRUE(far_->Get(Read(), none).ok()) << "no question, no call";
  // The asking end splits what is too much for one call.
  const std::vector<std::string_view> many(kPartReadKeysMax + 5, "a");
  const auto answers = far_->Get(Read(), many);
  ASSERT_TRUE(answers.ok()) << answers.status();
  EXPECT_EQ(answers->size(), many.size());
}

TEST_F(PartReadServiceTest, AWorkerThatIsGoneIsUnavailable) {
  server_->Shutdown();
  const Status gone = far_->Hold(Read());
  EXPECT_TRUE(absl::IsUnavailable(gone)) << gone;
}

TEST_F(PartReadServiceTest, QuestionsAreAnsweredByTheProcessThatIsAsked) {
  const auto far = NewFarProcess(Address(), "a secret", std::nullopt);
  for (const ProcessQuestion question :
       {ProcessQuestion::kBatches, ProcessQuestion::kResume, ProcessQuestion::kAbout}) {
    const StatusOr<std::string> answer = far->Ask(question);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(*answer, std::to_string(static_cast<int>(question)));
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(far->Ask(ProcessQuestion::kPause).status()));
  const auto stranger = NewFarProcess(Address(), "another secret", std::nullopt);
  EXPECT_FALSE(stranger->Ask(ProcessQuestion::kAbout).ok());
}

}  // namespace
}  // namespace trident
