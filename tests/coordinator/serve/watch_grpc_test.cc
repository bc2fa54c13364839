// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/limits.h"
#include "tests/coordinator/serve/served_topology.h"

namespace trident {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() : topology_({.server = {}, .drpc = {}, .window = 1000}) {
    request_.set_state("counts");
  }
  // Opens the watch and reads its first event, which says where it begins.
  void Open() {
    context_ = Within();
    reader_ = topology_.query->Watch(context_.get(), request_);
    ASSERT_TRUE(reader_->Read(&first_));
    EXPECT_EQ(first_.changes_size(), 0);
  }
  // The next event with changes.
  v1::WatchEvent Next() {
    v1::WatchEvent event;
    while (reader_->Read(&event)) {
      if (event.changes_size() > 0) return event;
    }
    ADD_FAILURE() << Said(reader_->Finish());
    return event;
  }
  std::string Refusal() {
    context_ = Within();
    reader_ = topology_.query->Watch(context_.get(), request_);
    v1::WatchEvent event;
    EXPECT_FALSE(reader_->Read(&event));
    return Said(reader_->Finish());
  }
  void Close() {
    context_->TryCancel();
    for (v1::WatchEvent event; reader_->Read(&event);) {
    }
    EXPECT_EQ(reader_->Finish().error_code(), grpc::CANCELLED);
  }

  ServedTopology topology_;
  v1::WatchRequest request_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchEvent>> reader_;
  v1::WatchEvent first_;
};

TEST_F(WatchTest, AChangeWhoseValueCannotBeReadSaysSoAmongTheOthers) {
  topology_.counts.state.MakeUnreadable("cow", Aborted("it threw"));
  Open();
  topology_.counts.Commit({{"the", 2}, {"cow", 1}});
  const v1::WatchEvent event = Next();
  ASSERT_EQ(event.changes_size(), 2);
  EXPECT_EQ(event.changes(0).error(), "it threw");
  EXPECT_FALSE(event.changes(0).has_value());
  EXPECT_EQ(event.changes(1).value().int64_value(), 2);
  Close();
}

TEST_F(WatchTest, EveryTxidsChangesComeInOrder) {
  topology_.counts.Commit({{"the", 1}});
  Open();
  EXPECT_EQ(first_.txid(), 1u);
  topology_.counts.Commit({{"the", 2}, {"cow", 1}});
  topology_.counts.Commit({{"the", 3}});
  v1::WatchEvent event = Next();
  EXPECT_EQ(event.txid(), 2u);
  ASSERT_EQ(event.changes_size(), 2);
  EXPECT_EQ(event.changes(0).key().values(0).text(), "cow");
  EXPECT_EQ(event.changes(1).value().int64_value(), 2);
  event = Next();
  EXPECT_EQ(event.txid(), 3u);
  EXPECT_EQ(event.changes(0).value().int64_value(), 3);
  Close();
}

TEST_F(WatchTest, NothingIsMissedBetweenManyCommits) {
  Open();
  constexpr uint64_t kCommits = 500;
  std::thread committing([&] {
    for (uint64_t i = 1; i <= kCommits; ++i) {
      topology_.counts.Commit({{"the", static_cast<int64_t>(i)}});
    }
  });
  for (uint64_t i = 1; i <= kCommits; ++i) {
    const v1::WatchEvent event = Next();
    ASSERT_EQ(event.txid(), i);
    ASSERT_EQ(event.changes(0).value().int64_value(), static_cast<int64_t>(i));
  }
  committing.join();
  Close();
}

TEST_F(WatchTest, ARemovedKeyIsAChangeWithoutAValue) {
  topology_.counts.Commit({{"the", 1}});
  Open();
  topology_.catalog.Commit(
      [&](TxId txid) { topology_.counts.state.Set(txid, "the", std::nullopt); });
  const v1::WatchEvent event = Next();
  EXPECT_EQ(event.changes(0).key().values(0).text(), "the");
  EXPECT_FALSE(event.changes(0).has_value());
  Close();
}

TEST_F(WatchTest, OneKeyOrAPrefixCanBeWatched) {
  *request_.mutable_key() = TextKey("the");
  Open();
  topology_.counts.Commit({{"there", 1}});
  topology_.counts.Commit({{"the", 1}, {"cow", 1}});
  v1::WatchEvent event = Next();
  EXPECT_EQ(event.txid(), 2u);
  EXPECT_EQ(event.changes_size(), 1);
  Close();
  *request_.mutable_prefix() = TextKey("the");
  Open();
  topology_.counts.Commit({{"cow", 2}});
  topology_.counts.Commit({{"there", 2}, {"the", 2}});
  event = Next();
  EXPECT_EQ(event.txid(), 4u);
  EXPECT_EQ(event.changes_size(), 2);
  Close();
}

TEST_F(WatchTest, AWatchResumesWhereTheLastOneEnded) {
  for (int i = 1; i <= 5; ++i) topology_.counts.Commit({{"the", i}});
  request_.set_from(3);
  Open();
  EXPECT_EQ(first_.txid(), 2u);
  for (uint64_t txid : {3, 4, 5}) EXPECT_EQ(Next().txid(), txid);
  Close();
}

TEST_F(WatchTest, ResumingFromATxidThatIsGoneIsRefused) {
  for (int i = 1; i <= 1500; ++i) topology_.counts.Commit({{"the", i}});
  request_.set_from(3);
  EXPECT_THAT(Refusal(), AllOf(StartsWith("OUT_OF_RANGE"), HasSubstr("readable are")));
}

TEST_F(WatchTest, WatchingFromATxidThatIsNotThereYetIsRefused) {
  request_.set_from(5);
  EXPECT_THAT(Refusal(), StartsWith("OUT_OF_RANGE"));
}

TEST_F(WatchTest, AQuietWatchSaysNowAndThenWhereItStands) {
  *request_.mutable_key() = TextKey("never");
  Open();
  std::atomic<bool> enough{false};
  std::thread committing([&] {
    while (!enough) topology_.counts.Commit({{"the", 1}});
  });
  v1::WatchEvent event;
  EXPECT_TRUE(reader_->Read(&event));
  enough = true;
  committing.join();
  EXPECT_GT(event.txid(), 0u);
  EXPECT_EQ(event.changes_size(), 0);
  Close();
}

TEST_F(WatchTest, ATxidWithManyChangesComesInParts) {
  FakeState& state = topology_.catalog.Add<std::string>("pages", {{"url", &TypeOf<Text>()}});
  request_.set_state("pages");
  Open();
  topology_.catalog.Commit([&](TxId txid) {
    for (int i = 0; i < 5; ++i) {
      state.Set(txid, "u" + std::to_string(i), Encoded(std::string(700'000, 'x')));
    }
  });
  int changes = 0, parts = 0;
  while (true) {
    const v1::WatchEvent event = Next();
    ASSERT_EQ(event.txid(), 1u);
    changes += event.changes_size();
    ++parts;
    if (!event.more()) break;
  }
  EXPECT_EQ(changes, 5);
  EXPECT_GT(parts, 1);
  topology_.catalog.Commit([&](TxId txid) { state.Set(txid, "u9", Encoded(std::string("y"))); });
  EXPECT_EQ(Next().txid(), 2u);
  Close();
}

TEST_F(WatchTest, AWatchEndsWhenTheServerStops) {
  Open();
  std::thread stopping([&] { topology_.server->Shutdown(); });
  for (v1::WatchEvent event; reader_->Read(&event);) {
  }
  EXPECT_THAT(Said(reader_->Finish()), AnyOf(StartsWith("UNAVAILABLE"), StartsWith("CANCELLED")));
  stopping.join();
}

TEST_F(WatchTest, UnknownStatesAndWrongKeysAreRefused) {
  request_.set_state("coutns");
  EXPECT_THAT(Refusal(), HasSubstr("did you mean 'counts'?"));
  request_.set_state("counts");
  request_.mutable_key()->add_values()->set_int64_value(1);
  EXPECT_THAT(Refusal(), StartsWith("INVALID_ARGUMENT: state counts[word:text]"));
}

TEST_F(WatchTest, HundredsOfWatchersAreRefusedOnlyOverTheLimit) {
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchEvent>>> open;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int64_t i = 0; i < kWatchesMax; ++i) {
    if (i % (kRpcStreamsPerConnectionMax / 2) == 0) channels.push_back(topology_.Connect());
    contexts.push_back(Within());
    open.push_back(v1::Query::NewStub(channels.back())->Watch(contexts.back().get(), request_));
    v1::WatchEvent event;
    ASSERT_TRUE(open.back()->Read(&event)) << i;
  }
  EXPECT_THAT(Refusal(), StartsWith("RESOURCE_EXHAUSTED: 256 watches are open"));
  topology_.counts.Commit({{"the", 1}});
  for (auto& reader : open) {
    v1::WatchEvent event;
    do {
      ASSERT_TRUE(reader->Read(&event));
    } while (event.changes_size() == 0);
    EXPECT_EQ(event.txid(), 1u);
  }
  for (auto& context : contexts) context->TryCancel();
  for (auto& reader : open) {
    for (v1::WatchEvent event; reader->Read(&event);) {
    }
    reader->Finish();
  }
}

}  // namespace
}  // namespace trident
