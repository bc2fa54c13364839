// SPDX-License-Identifier: Apache-2.0
//
// What each kind of a user-defined map state makes of batches and of batches that come again. S1 to
// S4 are Trident's own tests of its states, by their id in tests/README.md.
#include "trident/states/kind_map.h"
#include "base/codec.h"

#include <gtest/gtest.h>

#include "tests/trident/states/outside_table.h"

namespace trident {
namespace {

using Value = std::optional<int64_t>;
using OpaqueText = OpaqueValue<std::string>;

template <class Stored>
class MapUnderTest {
 public:
  explicit MapUnderTest(CommitHistory history = {})
      : MapUnderTest(std::make_shared<OutsideTable<Stored>>(), std::move(history)) {}
  MapUnderTest(std::shared_ptr<OutsideTable<Stored>> table, CommitHistory history)
      : table_(table),
        map_(std::make_unique<OutsideTablePart<Stored>>(table, PartitionId(0)),
             std::move(history)) {}

  void Begin(uint64_t txid) {
    Status begun = map_.BeginCommit(TxId(txid));
    EXPECT_TRUE(begun.ok()) << begun;
    txid_ = txid;
  }
  void Commit() {
    Status committed = map_.Commit(TxId(txid_));
    EXPECT_TRUE(committed.ok()) << committed;
  }
  Value Get(std::string_view key = "a") {
    auto values = map_.MultiGet({&key, 1});
    EXPECT_TRUE(values.ok()) << values.status();
    return values.ok() ? (*values)[0] : Value();
  }
  // Combines n into the value, as Count would; the new value.
  Value Upd(int64_t n, std::string_view key = "a") {
    auto values = map_.MultiUpdate({&key, 1}, [n](size_t, const int64_t* old) {
      return Value(old == nullptr ? n : *old + n);
    });
    EXPECT_TRUE(values.ok()) << values.status();
    return values.ok() ? (*values)[0] : Value();
  }
  void Put(std::string_view key, int64_t value) {
    EXPECT_TRUE(map_.MultiPut({&key, 1}, {&value, 1}).ok());
  }
  void Remove(std::string_view key) { EXPECT_TRUE(map_.MultiRemove({&key, 1}).ok()); }
  Value Read(uint64_t published, std::string_view key = "a") {
    auto values = map_.ReadCommitted(TxId(published), {&key, 1});
    EXPECT_TRUE(values.ok()) << values.status();
    return values.ok() ? (*values)[0] : Value();
  }
  KindMap<Stored>& map() { return map_; }
  const std::shared_ptr<OutsideTable<Stored>>& table() const { return table_; }

 private:
  std::shared_ptr<OutsideTable<Stored>> table_;
  KindMap<Stored> map_;
  uint64_t txid_ = 0;
};

using PlainMap = MapUnderTest<int64_t>;
using TransactionalMap = MapUnderTest<TransactionalValue<int64_t>>;
using OpaqueMap = MapUnderTest<OpaqueValue<int64_t>>;

// ---- S1 ----

TEST(ConformanceTest, TridentS1AnOpaqueValueIsReadAndUpdatedByTxid) {
  const CommitHistory history;
  const OpaqueText value{TxId(8), "v1", "v0"};
  using Traits = StoredTraits<OpaqueText>;
  auto get = [&](uint64_t txid) { return Traits::Before(value, {TxId(txid), &history}); };
  EXPECT_EQ(value.curr, "v1");
  EXPECT_EQ(*get(100), "v1");
  EXPECT_EQ(*get(9), "v1");
  EXPECT_EQ(*get(8), "v0");
  EXPECT_EQ(get(7).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(get(7).status()).find("txid 7 is behind the state's txid 8"),
            std::string_view::npos)
      << get(7).status();
  auto update = [&](uint64_t txid) {
    return Traits::Make({TxId(txid), &history}, *get(txid), "v2");
  };
  EXPECT_EQ(update(8), (OpaqueText{TxId(8), "v2", "v0"}));
  EXPECT_EQ(update(9), (OpaqueText{TxId(9), "v2", "v1"}));
}

// ---- S2 ----

TEST(ConformanceTest, TridentS2AnOpaqueMapMakesTheSameTxidAnewFromThePreviousValue) {
  OpaqueMap map;
  map.Begin(1);
  EXPECT_EQ(map.Get(), std::nullopt);
  EXPECT_EQ(map.Upd(1), 1);
  EXPECT_EQ(map.Get(), 1);
  EXPECT_EQ(map.Upd(2), 3);
  EXPECT_EQ(map.Get(), 3);
  map.Commit();
  map.Begin(1);
  EXPECT_EQ(map.Get(), std::nullopt);
  EXPECT_EQ(map.Upd(2), 2);
  map.Commit();
  map.Begin(2);
  EXPECT_EQ(map.Get(), 2);
  EXPECT_EQ(map.Upd(3), 5);
  EXPECT_EQ(map.Upd(1), 6);
  map.Commit();
}

// ---- S3 ----

TEST(ConformanceTest, TridentS3ATransactionalMapTakesATxidOnce) {
  TransactionalMap map;
  map.Begin(1);
  EXPECT_EQ(map.Get(), std::nullopt);
  EXPECT_EQ(map.Upd(1), 1);
  EXPECT_EQ(map.Upd(2), 3);
  map.Commit();
  map.Begin(1);
  EXPECT_EQ(map.Get(), 3);
  EXPECT_EQ(map.Upd(1), 3);
  EXPECT_EQ(map.Upd(2), 3);
  map.Commit();
  map.Begin(2);
  EXPECT_EQ(map.Get(), 3);
  EXPECT_EQ(map.Upd(3), 6);
  EXPECT_EQ(map.Upd(1), 7);
  map.Commit();
}

// ---- S4 ----

template <class Map>
void ExpectRemovalIsRepeatable(Value after_replay) {
  Map map;
  map.Begin(1);
  map.Put("a", 1);
  map.Put("b", 2);
  map.Commit();
  map.Begin(2);
  map.Remove("a");
  EXPECT_EQ(map.Get("a"), std::nullopt);
  EXPECT_EQ(map.Get("b"), 2);
  map.Commit();
  map.Begin(2);
  EXPECT_EQ(map.Get("a"), after_replay);
  EXPECT_EQ(map.Get("b"), 2);
  map.Remove("a");
  EXPECT_EQ(map.Get("a"), std::nullopt);
  map.Commit();
  map.Begin(3);
  EXPECT_EQ(map.Get("a"), std::nullopt);
  EXPECT_EQ(map.Get("b"), 2);
  map.Commit();
  EXPECT_EQ(map.table()->Keys(), std::vector<std::string>{"b"}) << "the removed key is forgotten";
}

TEST(ConformanceTest, TridentS4ARemovalComesAgainWithItsTxidAndTheEntryGoesWithTheNextOne) {
  ExpectRemovalIsRepeatable<OpaqueMap>(1);
  ExpectRemovalIsRepeatable<TransactionalMap>(std::nullopt);
  ExpectRemovalIsRepeatable<PlainMap>(std::nullopt);
}

// ---- the worked examples of Trident's documentation ----

TEST(KindMapTest, TheDocumentedTransactionalExample) {
  TransactionalMap map;
  map.Begin(1);
  map.Put("man", 3);
  map.Commit();
  map.Begin(2);
  map.Put("apple", 10);
  map.Commit();
  map.Begin(3);
  map.Put("dog", 4);
  map.Commit();
  map.Begin(3);
  EXPECT_EQ(map.Upd(2, "man"), 5);
  EXPECT_EQ(map.Upd(1, "dog"), 4) << "txid 3 has been there already";
  map.Commit();
  EXPECT_EQ(map.table()->Get("man"), (TransactionalValue<int64_t>{TxId(3), 5}));
  EXPECT_EQ(map.table()->Get("dog"), (TransactionalValue<int64_t>{TxId(3), 4}));
  EXPECT_EQ(map.table()->Get("apple"), (TransactionalValue<int64_t>{TxId(2), 10}));
}

TEST(KindMapTest, TheDocumentedOpaqueExample) {
  for (uint64_t txid : {3u, 2u}) {
    OpaqueMap map;
    map.Begin(1);
    map.Put("a", 1);
    map.Commit();
    map.Begin(2);
    map.Put("a", 4);
    map.Commit();
    map.Begin(txid);
    map.Upd(2);
    map.Commit();
    auto expected =
        txid == 3 ? OpaqueValue<int64_t>{TxId(3), 6, 4} : OpaqueValue<int64_t>{TxId(2), 3, 1};
    EXPECT_EQ(map.table()->Get("a"), expected);
  }
}

// ---- what else a batch must be able to rely on ----

TEST(KindMapTest, ANonTransactionalMapCountsABatchThatComesAgainTwice) {
  PlainMap map;
  for (int i = 0; i < 2; ++i) {
    map.Begin(1);
    map.Upd(2);
    map.Commit();
  }
  EXPECT_EQ(map.table()->Get("a"), 4);
}

TEST(KindMapTest, NothingIsStoredBeforeCommitAndOneBatchIsOnePut) {
  OpaqueMap map;
  uint64_t puts = 0;
  map.table()->before_put = [&](uint64_t put) {
    puts = put;
    return absl::OkStatus();
  };
  map.Begin(1);
  map.Upd(1, "a");
  map.Upd(1, "b");
  map.Upd(1, "a");
  EXPECT_TRUE(map.table()->Keys().empty());
  map.Commit();
  EXPECT_EQ(puts, 1u);
  EXPECT_EQ(map.table()->Keys(), (std::vector<std::string>{"a", "b"}));
}

TEST(KindMapTest, AnEarlierTxidIsRefusedByTheMapAndByItsValues) {
  OpaqueMap map;
  map.Begin(5);
  map.Upd(1);
  map.Commit();
  EXPECT_EQ(map.map().BeginCommit(TxId(4)).code(), StatusCode::kFailedPrecondition);
  // A new object over the same store knows it from the values.
  MapUnderTest<OpaqueValue<int64_t>> opaque(map.table(), {});
  opaque.Begin(4);
  std::string_view key = "a";
  EXPECT_EQ(opaque.map().MultiGet({&key, 1}).status().code(), StatusCode::kFailedPrecondition);
  TransactionalMap newer;
  newer.Begin(5);
  newer.Upd(1);
  newer.Commit();
  MapUnderTest<TransactionalValue<int64_t>> transactional(newer.table(), {});
  transactional.Begin(4);
  EXPECT_EQ(transactional.map().MultiGet({&key, 1}).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(KindMapTest, AKeyThatTheNextAttemptDoesNotTouchGoesBackToWhatItWas) {
  OpaqueMap map;
  map.Begin(1);
  map.Put("a", 1);
  map.Put("b", 2);
  map.Commit();
  map.Begin(2);
  map.Upd(10, "a");
  map.Upd(10, "b");
  map.Upd(10, "c");
  map.Commit();
  // The batch comes again and holds less.
  map.Begin(2);
  map.Upd(5, "a");
  map.Commit();
  map.Begin(3);
  EXPECT_EQ(map.Get("a"), 6);
  EXPECT_EQ(map.Get("b"), 2);
  EXPECT_EQ(map.Get("c"), std::nullopt);
  map.Upd(10, "b");
  map.Commit();
  EXPECT_EQ(map.Read(3, "b"), 12);
}

TEST(KindMapTest, APutThatFailedHalfwayIsMadeRightByTheNextAttempt) {
  OpaqueMap map;
  map.Begin(1);
  for (const char* key : {"a", "b", "c", "d"}) map.Put(key, 1);
  map.Commit();
  map.table()->before_put = [](uint64_t) { return Unavailable("away for a moment"); };
  map.Begin(2);
  for (const char* key : {"a", "b", "c", "d"}) map.Upd(7, key);
  EXPECT_EQ(map.map().Commit(TxId(2)).code(), StatusCode::kUnavailable);
  map.table()->before_put = nullptr;
  map.Begin(2);
  map.Upd(1, "d");
  map.Commit();
  map.Begin(3);
  EXPECT_EQ(map.Get("a"), 1);
  EXPECT_EQ(map.Get("b"), 1);
  EXPECT_EQ(map.Get("d"), 2);
}

// The start of epoch 2 finds txid 1 decided; epoch 1 died after it had staged txid 2.
TEST(KindMapTest, WhatAnEarlierStartStagedButNeverDecidedDoesNotCount) {
  auto table = std::make_shared<OutsideTable<OpaqueValue<int64_t>>>();
  OpaqueMap first(table, {Epoch(1), {{Epoch(1), TxId(0)}}});
  first.Begin(1);
  first.Put("a", 1);
  first.Put("b", 1);
  first.Commit();
  first.Begin(2);
  first.Upd(10, "a");
  first.Upd(10, "b");
  first.Commit();

  OpaqueMap second(table, {Epoch(2), {{Epoch(1), TxId(0)}, {Epoch(2), TxId(1)}}});
  EXPECT_EQ(second.Read(1, "b"), 1);
  second.Begin(2);
  EXPECT_EQ(second.Upd(5, "a"), 6);
  second.Commit();
  EXPECT_EQ(second.Read(2, "a"), 6);
  EXPECT_EQ(second.Read(2, "b"), 1) << "txid 2 was decided without b";
  second.Begin(3);
  EXPECT_EQ(second.Upd(5, "b"), 6) << "not 16";
  second.Commit();

  OpaqueMap third(table,
                  {Epoch(3), {{Epoch(1), TxId(0)}, {Epoch(2), TxId(1)}, {Epoch(3), TxId(3)}}});
  EXPECT_EQ(third.Read(3, "a"), 6) << "decided in epoch 2";
  EXPECT_EQ(third.Read(3, "b"), 6);
}

TEST(KindMapTest, AValueOfALaterStartIsRefused) {
  auto table = std::make_shared<OutsideTable<OpaqueValue<int64_t>>>();
  OpaqueMap later(table, {Epoch(7), {}});
  later.Begin(1);
  later.Upd(1);
  later.Commit();
  OpaqueMap first(table, {Epoch(1), {}});
  first.Begin(2);
  std::string_view key = "a";
  Status refused = first.map().MultiGet({&key, 1}).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(refused).find("another directory"), std::string_view::npos) << refused;
}

TEST(KindMapTest, AReaderOfAnOpaqueMapSeesNoUndecidedBatch) {
  OpaqueMap map;
  map.Begin(1);
  map.Upd(1);
  map.Commit();
  EXPECT_EQ(map.Read(0), std::nullopt);
  EXPECT_EQ(map.Read(1), 1);
  map.Begin(2);
  map.Upd(1);
  map.Commit();
  EXPECT_EQ(map.Read(1), 1);
  EXPECT_EQ(map.Read(2), 2);
}

TEST(KindMapTest, EveryTxidIsRecordedAlsoOneThatBroughtNothing) {
  OpaqueMap map;
  map.Begin(1);
  map.Upd(1);
  map.Commit();
  map.Begin(2);
  map.Commit();
  EXPECT_EQ(map.table()->recorded(),
            (std::map<PartitionId, std::vector<TxId>>{{PartitionId(0), {TxId(1), TxId(2)}}}));
}

// A map that answers for too few keys.
class Short final : public BackingMap<int64_t> {
 public:
  StatusOr<std::vector<std::optional<int64_t>>> MultiGet(
      std::span<const std::string_view>) override {
    return std::vector<std::optional<int64_t>>{};
  }
  Status MultiPut(std::span<const std::string_view>,
                  std::span<const std::optional<int64_t>>) override {
    return absl::OkStatus();
  }
};

TEST(KindMapTest, ABackingMapThatAnswersForTooFewKeysIsAnError) {
  KindMap<int64_t> map(std::make_unique<Short>());
  ASSERT_TRUE(map.BeginCommit(TxId(1)).ok());
  std::string_view key = "a";
  Status error = map.MultiGet({&key, 1}).status();
  EXPECT_NE(Message(error).find("asked for 1 keys but gave 0"), std::string_view::npos) << error;
}

// ---- encodings ----

template <class Stored>
void ExpectCodecIsExact(const Stored& value) {
  std::string bytes;
  Codec<Stored>::Encode(value, bytes);
  ByteReader in(bytes);
  EXPECT_EQ(Codec<Stored>::Decode(in), value);
  EXPECT_TRUE(in.done());
  // Bytes that are cut short, or of another version, are no such value.
  std::string content;
  UserCodec<Stored>::Encode(value, content);
  Stored out;
  for (size_t size = 0; size < content.size(); ++size) {
    EXPECT_FALSE(UserCodec<Stored>::Decode(content.substr(0, size), out)) << size;
  }
  EXPECT_FALSE(UserCodec<Stored>::Decode(content + '\0', out));
  ++content[0];
  EXPECT_FALSE(UserCodec<Stored>::Decode(content, out));
}

TEST(StoredValueTest, EncodingsAreExactAndRefuseWhatIsNoValue) {
  ExpectCodecIsExact(TransactionalValue<int64_t>{TxId(3), -5});
  ExpectCodecIsExact(TransactionalValue<int64_t>{TxId(1), std::nullopt});
  ExpectCodecIsExact(OpaqueValue<int64_t>{TxId(300), 7, std::nullopt, Epoch(2)});
  ExpectCodecIsExact(OpaqueText{TxId(uint64_t{1} << 60), "new", "old", Epoch(9)});
  ExpectCodecIsExact(OpaqueValue<std::vector<int64_t>>{TxId(1), {{1, 2}}, {{}}, Epoch(1)});
}

TEST(StoredValueTest, TypesHaveStableNamesAndValuesReadWell) {
  EXPECT_EQ(TypeOf<OpaqueText>().name, "opaque<text>");
  EXPECT_EQ(TypeOf<TransactionalValue<int64_t>>().name, "transactional<int64>");
  EXPECT_EQ(UserCodec<OpaqueText>::Render({TxId(8), "v1", "v0"}), "v1 of txid 8, before v0");
  EXPECT_EQ(UserCodec<TransactionalValue<int64_t>>::Render({TxId(8), std::nullopt}),
            "null of txid 8");
}

}  // namespace
}  // namespace trident
