// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/key_encoding.h"
#include "base/limits.h"
#include "tests/coordinator/serve/served_topology.h"

namespace trident {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class QueryTest : public ::testing::Test {
 protected:
  struct Got {
    grpc::Status status;
    v1::GetResponse response;
  };
  Got Get(const v1::GetRequest& request, int64_t ms = 60'000) {
    Got got;
    got.status = topology_.query->Get(Within(ms).get(), request, &got.response);
    return got;
  }
  static v1::GetRequest Wanted(const std::string& word) {
    v1::GetRequest request;
    request.set_state("counts");
    *request.mutable_key() = TextKey(word);
    return request;
  }
  v1::GetRequest Exactly(const std::string& word, uint64_t txid) {
    v1::GetRequest request = Wanted(word);
    request.mutable_at()->set_exactly(txid);
    return request;
  }
  v1::GetRequest AtLeast(const std::string& word, uint64_t txid) {
    v1::GetRequest request = Wanted(word);
    request.mutable_at()->set_at_least(txid);
    return request;
  }
  std::string Refusal(const v1::GetRequest& request) { return Said(Get(request).status); }

  ServedTopology topology_;
};

TEST_F(QueryTest, AReadAtLatestNamesTheTxidThatItSaw) {
  topology_.counts.Commit({{"the", 2}});
  topology_.counts.Commit({{"the", 4}});
  const Got got = Get(Wanted("the"));
  ASSERT_TRUE(got.status.ok()) << Said(got.status);
  EXPECT_EQ(got.response.txid(), 2u);
  EXPECT_TRUE(got.response.found());
  EXPECT_EQ(got.response.value().int64_value(), 4);
}

TEST_F(QueryTest, AKeyThatIsNotThereIsNoError) {
  topology_.counts.Commit({{"the", 2}});
  const Got got = Get(Wanted("zebra"));
  ASSERT_TRUE(got.status.ok()) << Said(got.status);
  EXPECT_EQ(got.response.txid(), 1u);
  EXPECT_FALSE(got.response.found());
  EXPECT_FALSE(got.response.has_value());
}

TEST_F(QueryTest, BeforeTheFirstCommitTheAnswerIsOfTxidZero) {
  const Got got = Get(Wanted("the"));
  ASSERT_TRUE(got.status.ok()) << Said(got.status);
  EXPECT_EQ(got.response.txid(), 0u);
  EXPECT_FALSE(got.response.found());
}

TEST_F(QueryTest, AReadAtExactlyAnOldTxidSeesTheOldValue) {
  for (int64_t i = 1; i <= 3; ++i) topology_.counts.Commit({{"the", 10 * i}});
  for (int64_t i = 1; i <= 3; ++i) {
    const Got got = Get(Exactly("the", i));
    ASSERT_TRUE(got.status.ok()) << Said(got.status);
    EXPECT_EQ(got.response.txid(), static_cast<uint64_t>(i));
    EXPECT_EQ(got.response.value().int64_value(), 10 * i);
  }
}

TEST_F(QueryTest, ATxidOutsideTheReadableWindowIsRefusedWithTheWindow) {
  for (int i = 1; i <= 6; ++i) topology_.counts.Commit({{"the", i}});
  EXPECT_THAT(Refusal(Exactly("the", 1)),
              AllOf(StartsWith("OUT_OF_RANGE: txid 1"), HasSubstr("readable are 3 to 6")));
  EXPECT_THAT(Refusal(Exactly("the", 7)),
              AllOf(StartsWith("OUT_OF_RANGE: txid 7"), HasSubstr("not committed yet")));
}

TEST_F(QueryTest, AReadAtLeastAPastTxidIsAnsweredAtTheLatest) {
  topology_.counts.Commit({{"the", 1}});
  topology_.counts.Commit({{"the", 2}});
  const Got got = Get(AtLeast("the", 1));
  ASSERT_TRUE(got.status.ok()) << Said(got.status);
  EXPECT_EQ(got.response.txid(), 2u);
}

TEST_F(QueryTest, AReadAtLeastAFutureTxidWaitsForIt) {
  topology_.counts.Commit({{"the", 1}});
  // The commits may come before the read arrives, or while it waits; never is the answer older.
  std::thread committing([&] {
    for (int i = 2; i <= 40; ++i) topology_.counts.Commit({{"the", i}});
  });
  const Got got = Get(AtLeast("the", 40));
  committing.join();
  ASSERT_TRUE(got.status.ok()) << Said(got.status);
  EXPECT_EQ(got.response.txid(), 40u);
  EXPECT_EQ(got.response.value().int64_value(), 40);
}

TEST_F(QueryTest, ManyReadsWaitForDifferentTxidsAtOnce) {
  constexpr int kReaders = 24;
  std::vector<std::thread> readers;
  std::atomic<int> right{0};
  for (int i = 1; i <= kReaders; ++i) {
    readers.emplace_back([&, i] {
      const Got got = Get(AtLeast("the", i));
      right += got.status.ok() && got.response.txid() >= static_cast<uint64_t>(i);
    });
  }
  for (int i = 1; i <= kReaders; ++i) topology_.counts.Commit({{"the", i}});
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(right, kReaders);
}

TEST_F(QueryTest, AReadThatWaitsInVainEndsAtItsDeadline) {
  topology_.counts.Commit({{"the", 1}});
  EXPECT_EQ(Get(AtLeast("the", 9), 50).status.error_code(), grpc::DEADLINE_EXCEEDED);
}

TEST_F(QueryTest, AReadThatWaitsIsCancelledWithItsCall) {
  grpc::ClientContext context;
  std::thread cancelling([&] { context.TryCancel(); });
  v1::GetResponse response;
  const grpc::Status status = topology_.query->Get(&context, AtLeast("the", 9), &response);
  cancelling.join();
  EXPECT_EQ(status.error_code(), grpc::CANCELLED);
}

TEST_F(QueryTest, AReadThatWaitsIsToldWhenTheServerStops) {
  grpc::Status status;
  std::thread waiting([&] { status = Get(AtLeast("the", 9)).status; });
  // A second read behind the first, so that the first has most likely arrived; either way it must
  // end.
  Get(Wanted("the"));
  topology_.server->Shutdown();
  waiting.join();
  EXPECT_THAT(Said(status), testing::AnyOf(StartsWith("UNAVAILABLE"), StartsWith("CANCELLED")));
}

TEST_F(QueryTest, AnUnknownStateIsRefusedWithTheNearestName) {
  v1::GetRequest request = Wanted("the");
  request.set_state("count");
  EXPECT_EQ(Refusal(request),
            "NOT_FOUND: there is no state 'count'; did you mean 'counts'? The states are: counts");
  request.set_state(std::string(100'000, 'x'));
  EXPECT_LT(Refusal(request).size(), 1000u);
}

TEST_F(QueryTest, AKeyOfAnotherTypeIsRefusedWithWhatWasExpected) {
  v1::GetRequest request = Wanted("the");
  request.mutable_key()->mutable_values(0)->set_int64_value(5);
  EXPECT_THAT(Refusal(request),
              AllOf(StartsWith("INVALID_ARGUMENT: state counts[word:text]"), HasSubstr("text")));
  request.mutable_key()->clear_values();
  EXPECT_THAT(Refusal(request), StartsWith("INVALID_ARGUMENT: state counts[word:text]"));
  request.mutable_key()->add_values()->set_text("a");
  request.mutable_key()->add_values()->set_text("b");
  EXPECT_THAT(Refusal(request), StartsWith("INVALID_ARGUMENT: state counts[word:text]"));
}

TEST_F(QueryTest, ANullInARequiredFieldIsRefused) {
  v1::GetRequest request = Wanted("the");
  request.mutable_key()->mutable_values(0)->set_null(v1::NULL_VALUE);
  EXPECT_THAT(Refusal(request), StartsWith("INVALID_ARGUMENT: state counts[word:text]"));
}

TEST_F(QueryTest, AValueWithoutAKindIsRefused) {
  v1::GetRequest request = Wanted("the");
  request.mutable_key()->mutable_values(0)->clear_kind();
  EXPECT_THAT(Refusal(request), AllOf(StartsWith("INVALID_ARGUMENT"), HasSubstr("without a kind")));
}

TEST_F(QueryTest, LatestSaidAsFalseIsRefused) {
  v1::GetRequest request = Wanted("the");
  request.mutable_at()->set_latest(false);
  EXPECT_THAT(Refusal(request), StartsWith("INVALID_ARGUMENT: expected `latest: true`"));
}

TEST_F(QueryTest, AKeyOverTheLimitIsRefused) {
  EXPECT_TRUE(Get(Wanted(std::string(kKeyBytesMax, 'k'))).status.ok());
  EXPECT_THAT(Refusal(Wanted(std::string(kKeyBytesMax + 1, 'k'))),
              AllOf(StartsWith("INVALID_ARGUMENT"), HasSubstr("65537 bytes"), HasSubstr("65536")));
}

TEST_F(QueryTest, CompositeKeysAndEveryTypeOfValueArriveAsTheyAre) {
  FakeState& state = topology_.catalog.Add<std::vector<std::string>>(
      "tags", {{"user", &TypeOf<int64_t>()}, {"country", &TypeOf<Text>(), Nullability::kNullable}});
  const std::vector<Datum> key = {Datum{int64_t{-7}}, Datum{}};
  topology_.catalog.Commit([&](TxId txid) {
    const std::vector<std::string> tags = {"a", "caf\xc3\xa9", "\xff broken", ""};
    state.Set(txid, *EncodeKey(state.info().spec.key_fields, key), Encoded(tags));
  });
  v1::GetRequest request;
  request.set_state("tags");
  ToProto(key, *request.mutable_key());
  const Got got = Get(request);
  ASSERT_TRUE(got.status.ok()) << Said(got.status);
  const v1::ValueList& list = got.response.value().list();
  ASSERT_EQ(list.elements_size(), 4);
  EXPECT_EQ(list.elements(1).text(), "caf\xc3\xa9");
  EXPECT_EQ(list.elements(2).broken_text(), "\xff broken");
  EXPECT_EQ(list.elements(3).kind_case(), v1::Value::kText);
}

TEST_F(QueryTest, ADamagedValueIsDataLossAndNamesTheState) {
  topology_.catalog.Commit([&](TxId txid) { topology_.counts.state.Set(txid, "bad", "\xff"); });
  EXPECT_THAT(Refusal(Wanted("bad")),
              AllOf(StartsWith("DATA_LOSS: state counts[word:text]"), HasSubstr("int64")));
}

TEST_F(QueryTest, TheLargestValueOfTheLargestKeyFits) {
  FakeState& state = topology_.catalog.Add<std::string>("pages", {{"url", &TypeOf<Text>()}});
  const std::string key(kKeyBytesMax, 'u'), value(kValueBytesMax, 'v');
  topology_.catalog.Commit([&](TxId txid) { state.Set(txid, key, Encoded(value)); });
  v1::GetRequest request = Wanted(key);
  request.set_state("pages");
  const Got got = Get(request);
  ASSERT_TRUE(got.status.ok()) << Said(got.status);
  EXPECT_EQ(got.response.value().text().size(), value.size());
}

class MultiGetTest : public QueryTest {
 protected:
  void Add(const std::string& state, const std::string& word) {
    v1::Lookup& lookup = *request_.add_lookups();
    lookup.set_state(state);
    *lookup.mutable_key() = TextKey(word);
  }
  grpc::Status Call() { return topology_.query->MultiGet(Within().get(), request_, &response_); }
  v1::MultiGetRequest request_;
  v1::MultiGetResponse response_;
};

TEST_F(MultiGetTest, KeysOfSeveralStatesAreReadAtOneCutInTheOrderAsked) {
  FakeState& lengths = topology_.catalog.Add<int64_t>("lengths", {{"word", &TypeOf<Text>()}});
  topology_.catalog.Commit([&](TxId txid) {
    topology_.counts.state.Set(txid, "the", Encoded<int64_t>(9));
    lengths.Set(txid, "the", Encoded<int64_t>(3));
  });
  for (const char* state : {"lengths", "counts", "lengths"}) Add(state, "the");
  Add("counts", "zebra");
  ASSERT_TRUE(Call().ok());
  EXPECT_EQ(response_.txid(), 1u);
  ASSERT_EQ(response_.results_size(), 4);
  EXPECT_EQ(response_.results(0).value().int64_value(), 3);
  EXPECT_EQ(response_.results(1).value().int64_value(), 9);
  EXPECT_EQ(response_.results(2).value().int64_value(), 3);
  EXPECT_FALSE(response_.results(3).found());
}

TEST_F(MultiGetTest, AKeyWhoseValueCannotBeReadSaysSoAmongTheOthers) {
  topology_.counts.Commit({{"the", 3}, {"bad", 4}});
  topology_.counts.state.MakeUnreadable("bad", Aborted("it threw"));
  for (const char* word : {"the", "bad", "zebra"}) Add("counts", word);
  ASSERT_TRUE(Call().ok());
  EXPECT_EQ(response_.results(0).value().int64_value(), 3);
  EXPECT_TRUE(response_.results(1).found());
  EXPECT_FALSE(response_.results(1).has_value());
  EXPECT_EQ(response_.results(1).error(), "it threw");
  EXPECT_FALSE(response_.results(2).found());
  v1::GetResponse one;
  v1::GetRequest request = Wanted("bad");
  EXPECT_EQ(Said(topology_.query->Get(Within().get(), request, &one)), "ABORTED: it threw");
}

TEST_F(MultiGetTest, StatesOfDifferentBatchGroupsHaveNoCommonCut) {
  topology_.catalog.Add<int64_t>("others", {{"word", &TypeOf<Text>()}}, GroupId(2));
  Add("counts", "the");
  Add("others", "the");
  EXPECT_THAT(Said(Call()), AllOf(StartsWith("INVALID_ARGUMENT: states 'counts' and 'others'"),
                                  HasSubstr("different batch groups")));
}

TEST_F(MultiGetTest, ThousandsOfKeysAreAnswered) {
  std::map<std::string, int64_t> counts;
  for (int64_t i = 0; i < kMultiGetKeysMax; ++i) {
    counts["w" + std::to_string(i)] = i;
    Add("counts", "w" + std::to_string(i));
  }
  topology_.counts.Commit(counts);
  ASSERT_TRUE(Call().ok());
  ASSERT_EQ(response_.results_size(), kMultiGetKeysMax);
  for (int i = 0; i < kMultiGetKeysMax; ++i) {
    ASSERT_EQ(response_.results(i).value().int64_value(), i);
  }
}

TEST_F(MultiGetTest, NoKeysAndTooManyKeysAreRefused) {
  EXPECT_THAT(Said(Call()), HasSubstr("1 to 10000 keys, found 0"));
  for (int64_t i = 0; i <= kMultiGetKeysMax; ++i) Add("counts", "x");
  EXPECT_THAT(Said(Call()), HasSubstr("found 10001"));
}

TEST_F(MultiGetTest, AnAnswerOverTheLimitIsRefusedBeforeItIsAllInMemory) {
  FakeState& state = topology_.catalog.Add<std::string>("pages", {{"url", &TypeOf<Text>()}});
  int reads = 0;
  state.before_read = [&] { ++reads; };
  topology_.catalog.Commit(
      [&](TxId txid) { state.Set(txid, "big", Encoded(std::string(kMiB, 'x'))); });
  for (int i = 0; i < 2000; ++i) Add("pages", "big");
  EXPECT_THAT(Said(Call()), AllOf(StartsWith("RESOURCE_EXHAUSTED"), HasSubstr("fewer keys")));
  EXPECT_LE(reads, 256);
}

TEST_F(MultiGetTest, ABadKeyIsNamedByItsPlace) {
  Add("counts", "fine");
  Add("counts", "bad");
  request_.mutable_lookups(1)->mutable_key()->mutable_values(0)->set_bool_value(true);
  EXPECT_THAT(Said(Call()), StartsWith("INVALID_ARGUMENT: lookup 1: state counts"));
}

TEST_F(QueryTest, ListStatesSaysWhatAClientMustKnow) {
  topology_.catalog.Add<double>(
      "prices", {{"day", &TypeOf<Timestamp>()}, {"item", &TypeOf<Text>(), Nullability::kNullable}});
  topology_.counts.Commit({{"the", 2}, {"cow", 1}});
  v1::ListStatesResponse response;
  ASSERT_TRUE(topology_.query->ListStates(Within().get(), {}, &response).ok());
  ASSERT_EQ(response.states_size(), 2);
  const v1::StateInfo& counts = response.states(0);
  EXPECT_EQ(counts.name(), "counts");
  EXPECT_EQ(counts.kind(), "opaque");
  EXPECT_EQ(counts.group(), 1u);
  EXPECT_EQ(counts.value_type(), "int64");
  EXPECT_EQ(counts.latest_txid(), 1u);
  EXPECT_EQ(counts.approximate_keys(), 2u);
  EXPECT_EQ(counts.unreadable_keys(), 0u);
  const v1::StateInfo& prices = response.states(1);
  ASSERT_EQ(prices.key_size(), 2);
  EXPECT_EQ(prices.key(0).type(), "timestamp");
  EXPECT_FALSE(prices.key(0).nullable());
  EXPECT_TRUE(prices.key(1).nullable());
}

}  // namespace
}  // namespace trident
