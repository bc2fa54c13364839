// SPDX-License-Identifier: Apache-2.0
#include "state/disk/store_identity.h"

#include <gtest/gtest.h>

#include "base/codec.h"
#include "base/coding.h"
#include "state/disk/memory_store.h"
#include "state/disk/store_claim.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

const StoreOwner kWordCount{.topology = "wordcount", .fingerprint = 0xabc};

StoredState Counts() {
  StateSpec spec;
  spec.name = "counts";
  spec.key_fields = {{"word", &TypeOf<Text>()}};
  return Describe(spec, TypeOf<int64_t>());
}

void WriteOne(MemoryStore& store, Table table, std::string key, std::string value) {
  WriteSet changes;
  changes.Put(table, std::move(key), std::move(value));
  ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
}

bool Mentions(const Status& status, std::string_view text) {
  return Message(status).find(text) != std::string_view::npos;
}

Status Settle(MemoryStore& store, const StoreClaim& claim) {
  WriteSet changes;
  TRIDENT_RETURN_IF_ERROR(claim.AddTo(changes));
  return store.Write(changes, Durability::kSynced);
}

// A whole start each.
Status ClaimStore(MemoryStore& store, const StoreOwner& owner) {
  TRIDENT_ASSIGN_OR_RETURN(const StoreClaim claim, StoreClaim::Make(store, owner));
  return Settle(store, claim);
}
StatusOr<StoredState> DeclareState(MemoryStore& store, const StoredState& wanted) {
  TRIDENT_ASSIGN_OR_RETURN(StoreClaim claim, StoreClaim::Make(store, kWordCount));
  TRIDENT_ASSIGN_OR_RETURN(StoredState stored, claim.Declare(wanted));
  TRIDENT_RETURN_IF_ERROR(Settle(store, claim));
  return stored;
}
StatusOr<Epoch> BeginEpoch(MemoryStore& store) {
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(store));
  WriteSet changes;
  PutEpoch(identity.epoch.Next(), changes);
  TRIDENT_RETURN_IF_ERROR(store.Write(changes, Durability::kSynced));
  return identity.epoch.Next();
}

std::vector<std::string> MetaKeys(const MemoryStore& store) {
  std::vector<std::string> keys;
  const auto cursor = store.NewCursor(Table::kMeta);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) keys.emplace_back(cursor->key());
  return keys;
}

TEST(StoreIdentityTest, AClaimWritesNothingUntilTheStartSettles) {
  MemoryStore store;
  auto claim = StoreClaim::Make(store, kWordCount);
  ASSERT_TRUE(claim.ok()) << claim.status();
  ASSERT_TRUE(claim->Declare(Counts()).ok());
  EXPECT_EQ(MetaKeys(store), std::vector<std::string>());
  ASSERT_TRUE(Settle(store, *claim).ok());
  EXPECT_EQ(MetaKeys(store),
            (std::vector<std::string>{"epoch", "format", "owner", "state/counts", "states"}));
}

TEST(StoreIdentityTest, ANewStoreIsNoOnesUntilItIsClaimed) {
  MemoryStore store;
  EXPECT_EQ(ReadIdentity(store).value().owner, std::nullopt);
  ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
  EXPECT_EQ(ReadIdentity(store).value().owner, kWordCount);
  EXPECT_TRUE(ClaimStore(store, kWordCount).ok()) << "its owner may come again";
}

TEST(StoreIdentityTest, AnotherTopologyIsRefusedWithBothNames) {
  MemoryStore store;
  ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
  const Status refused = ClaimStore(store, {.topology = "bank"});
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(refused),
            "memory belongs to topology 'wordcount', this program runs topology 'bank'. Give each "
            "topology a state directory of its own");
  EXPECT_EQ(ReadIdentity(store).value().owner, kWordCount);
}

TEST(StoreIdentityTest, TheStoreOfAnotherWorkerIsRefusedToAllOthers) {
  MemoryStore store;
  StoreOwner owner;
  owner.topology = "words";
  owner.worker = 1;
  owner.workers = 3;
  WriteSet changes;
  PutOwner(owner, changes);
  PutNextState(StateId(1), changes);
  ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
  EXPECT_EQ(ReadIdentity(store)->owner, owner);
  EXPECT_TRUE(StoreClaim::Make(store, owner).ok());
  StoreOwner other = owner, fewer = owner, alone;
  other.worker = 2;
  fewer.workers = 2;
  alone.topology = "words";
  for (const StoreOwner& refused : {other, fewer, alone}) {
    const Status status = StoreClaim::Make(store, refused).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_NE(status.message().find("the part of worker 1 of 3"), std::string::npos) << status;
  }
}

TEST(StoreIdentityTest, AnotherFingerprintIsRefusedUnlessOneSideHasNone) {
  MemoryStore store;
  ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
  EXPECT_EQ(ClaimStore(store, {"wordcount", 0xdef}).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(ClaimStore(store, {"wordcount", 0}).ok());
}

TEST(StoreIdentityTest, ANewerFormatIsRefusedWithBothNumbers) {
  MemoryStore store;
  ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
  std::string newer;
  PutFixed64(newer, kCountedStatesFormat + 1);
  WriteOne(store, Table::kMeta, "format", Seal(1, newer));
  const Status refused = ClaimStore(store, kWordCount);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(
      Message(refused),
      "memory has format 4, this program reads formats 1 to 3: use the release that wrote it");
}

TEST(StoreIdentityTest, ContentWithoutAnOwnerIsDamage) {
  for (Table table : {Table::kMeta, Table::kRedo, Table::kDecision}) {
    MemoryStore store;
    WriteOne(store, table, "k", "v");
    EXPECT_EQ(ClaimStore(store, kWordCount).code(), StatusCode::kDataLoss);
  }
  MemoryStore store;
  std::unique_ptr<BulkLoad> load = store.NewBulkLoad(Table::kBase).value();
  ASSERT_TRUE(load->Put("k", "v").ok());
  ASSERT_TRUE(load->Install().ok());
  EXPECT_EQ(ClaimStore(store, kWordCount).code(), StatusCode::kDataLoss);
}

TEST(StoreIdentityTest, AMissingOrDamagedRecordIsDamage) {
  for (const char* key : {"owner", "epoch", "format", "states"}) {
    MemoryStore missing;
    ASSERT_TRUE(ClaimStore(missing, kWordCount).ok());
    WriteSet loss;
    loss.Delete(Table::kMeta, key);
    ASSERT_TRUE(missing.Write(loss, Durability::kSynced).ok());
    const Status refused = ClaimStore(missing, kWordCount);
    EXPECT_EQ(refused.code(), StatusCode::kDataLoss) << key;

    MemoryStore damaged;
    ASSERT_TRUE(ClaimStore(damaged, kWordCount).ok());
    std::string value = damaged.Get(Table::kMeta, key).value().value();
    value[2] ^= 1;
    WriteOne(damaged, Table::kMeta, key, value);
    EXPECT_EQ(ClaimStore(damaged, kWordCount).code(), StatusCode::kDataLoss) << key;
    WriteOne(damaged, Table::kMeta, key, Seal(1, "?"));
    EXPECT_EQ(ClaimStore(damaged, kWordCount).code(), StatusCode::kDataLoss) << key;
  }
}

TEST(StoreIdentityTest, AStateIsMadeOnceAndFoundAgain) {
  MemoryStore store;
  ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
  const StoredState made = DeclareState(store, Counts()).value();
  EXPECT_EQ(made.id, StateId(1));
  EXPECT_EQ(made.since, TxId(0));
  EXPECT_EQ(DeclareState(store, Counts()).value(), made);

  StoredState totals = Counts();
  totals.name = "totals";
  totals.key.clear();
  totals.partitions = 1;
  EXPECT_EQ(DeclareState(store, totals).value().id, StateId(2));
  const StoreIdentity identity = ReadIdentity(store).value();
  ASSERT_EQ(identity.states.size(), 2u);
  EXPECT_EQ(identity.states[0], made);
  EXPECT_EQ(identity.states[1].name, "totals");
}

// As a release of an earlier format left it.
void ForgetTheCount(MemoryStore& store, uint64_t format) {
  std::string number;
  PutFixed64(number, format);
  WriteSet changes;
  changes.Delete(Table::kMeta, "states");
  changes.Put(Table::kMeta, "format", Seal(1, number));
  ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
}

void Load(MemoryStore& store, const std::vector<std::string>& keys) {
  std::unique_ptr<BulkLoad> load = store.NewBulkLoad(Table::kBase).value();
  for (const std::string& key : keys) ASSERT_TRUE(load->Put(key, "v").ok());
  ASSERT_TRUE(load->Install().ok());
}

std::vector<std::string> BaseKeys(const MemoryStore& store) {
  std::vector<std::string> keys;
  const auto cursor = store.NewCursor(Table::kBase);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) keys.emplace_back(cursor->key());
  return keys;
}

StoredState Named(const std::string& name) {
  StoredState state = Counts();
  state.name = name;
  return state;
}

TEST(StoreIdentityTest, TheIdOfADroppedStateIsNeverGivenAgain) {
  MemoryStore store;
  const StoredState a = DeclareState(store, Named("a")).value();
  const StoredState b = DeclareState(store, Named("b")).value();
  Load(store, {MarkerKey(a.id, PartitionId(63)), BaseKey(a.id, PartitionId(63), "\xff\xff"),
               MarkerKey(b.id, PartitionId(0)), BaseKey(b.id, PartitionId(63), "\xff")});
  WriteSet changes;
  DropState(b, changes);
  ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
  StoreIdentity identity = ReadIdentity(store).value();
  EXPECT_EQ(identity.states, (std::vector<StoredState>{a}));
  EXPECT_EQ(identity.dropped, (std::map<StateId, std::string>{{b.id, "b"}}));
  EXPECT_EQ(BaseKeys(store), (std::vector<std::string>{MarkerKey(a.id, PartitionId(63)),
                                                       BaseKey(a.id, PartitionId(63), "\xff\xff")}))
      << "the rows of b are gone, and only those";
  EXPECT_EQ(DeclareState(store, Named("c")).value().id, StateId(3));
  EXPECT_EQ(DeclareState(store, Named("b")).value().id, StateId(4)) << "it is another state now";
}

TEST(StoreIdentityTest, AStoreOfAnOlderFormatCountsFromItsFirstWriteOn) {
  for (const uint64_t format : {1, 2}) {
    SCOPED_TRACE(format);
    MemoryStore store;
    ASSERT_TRUE(DeclareState(store, Named("a")).ok());
    const StoredState b = DeclareState(store, Named("b")).value();
    ForgetTheCount(store, format);
    EXPECT_EQ(ReadIdentity(store).value().next_state, StateId(3)) << "the greatest plus one";
    ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
    WriteSet changes;
    DropState(b, changes);
    ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
    EXPECT_EQ(DeclareState(store, Named("c")).value().id, StateId(3));
  }
}

TEST(StoreIdentityTest, ACountThatIsLessThanTheIdOfAStateIsDamage) {
  MemoryStore store;
  ASSERT_TRUE(DeclareState(store, Counts()).ok());
  WriteSet changes;
  PutNextState(StateId(1), changes);
  ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
  EXPECT_EQ(ReadIdentity(store).status().code(), StatusCode::kDataLoss);
}

TEST(StoreIdentityTest, AStartMayGiveUpAStateThatItDoesNotDeclare) {
  MemoryStore store;
  const StoredState counts = DeclareState(store, Counts()).value();
  Load(store, {MarkerKey(counts.id, PartitionId(0))});
  auto claim = StoreClaim::Make(store, kWordCount, {"counts", "unheard-of"});
  ASSERT_TRUE(claim.ok()) << claim.status();
  const Status refused = claim->Declare(Counts()).status();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << "it is fed and given up at once";
  EXPECT_TRUE(Mentions(refused, "--drop-state counts")) << refused;
  ASSERT_TRUE(claim->Declare(Named("other")).ok());
  EXPECT_TRUE(claim->CheckAllDeclared().ok());
  EXPECT_EQ(claim->Gone(), (std::set<StateId>{counts.id}));
  EXPECT_EQ(ReadIdentity(store).value().states.size(), 1u) << "nothing is written before";
  EXPECT_EQ(BaseKeys(store).size(), 1u);
  ASSERT_TRUE(Settle(store, *claim).ok());
  const StoreIdentity identity = ReadIdentity(store).value();
  ASSERT_EQ(identity.states.size(), 1u);
  EXPECT_EQ(identity.states[0].name, "other");
  EXPECT_EQ(identity.states[0].id, counts.id.Next());
  EXPECT_TRUE(identity.dropped.contains(counts.id));
  EXPECT_TRUE(BaseKeys(store).empty());
}

TEST(StoreIdentityTest, AStartDeletesWhatIsLeftOfStatesThatAreNoMore) {
  MemoryStore store;
  const StoredState counts = DeclareState(store, Counts()).value();
  WriteSet changes;
  DropState(counts, changes);
  ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
  Load(store, {BaseKey(counts.id, PartitionId(5), "late"), MarkerKey(StateId(2), PartitionId(0))});
  ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
  EXPECT_EQ(BaseKeys(store), (std::vector<std::string>{MarkerKey(StateId(2), PartitionId(0))}));
}

TEST(StoreIdentityTest, ARenamedStateKeepsItsId) {
  MemoryStore store;
  const StoredState counts = DeclareState(store, Counts()).value();
  WriteSet changes;
  RenameState(counts, "sums", changes);
  ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
  EXPECT_EQ(DeclareState(store, Named("sums")).value().id, counts.id);
  EXPECT_EQ(ReadIdentity(store).value().states.size(), 1u);
}

TEST(StoreIdentityTest, OnePartitionIsNamedInTheSingular) {
  StoredState total = Counts();
  EXPECT_EQ(ToString(total), "key (word text), value int64, 64 partitions, opaque, group 0");
  total.partitions = 1;
  EXPECT_EQ(ToString(total), "key (word text), value int64, 1 partition, opaque, group 0");
}

TEST(StoreIdentityTest, AStateWithOtherTypesOrPartitionsIsRefusedWithBothSides) {
  MemoryStore store;
  ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
  ASSERT_TRUE(DeclareState(store, Counts()).ok());
  StoredState wanted = Counts();
  wanted.value_type = "double";
  const Status refused = DeclareState(store, wanted).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(refused),
            "state 'counts' in memory was made with key (word text), value int64, 64 partitions, "
            "opaque, group 0; this topology declares it with key (word text), value double, 64 "
            "partitions, opaque, group 0. Give the changed state another name, or begin it anew: "
            "`trident state drop memory counts`");

  for (auto change :
       {+[](StoredState& s) { s.partitions = 32; },
        +[](StoredState& s) { s.kind = StateKind::kTransactional; },
        +[](StoredState& s) { s.group = GroupId(1); }, +[](StoredState& s) { s.combiner = "sum"; },
        +[](StoredState& s) { s.key[0].type = "bytes"; },
        +[](StoredState& s) { s.key[0].name = "term"; },
        +[](StoredState& s) { s.key[0].nullability = Nullability::kNullable; },
        +[](StoredState& s) {
          s.key.push_back({"n", "int64"});
        }}) {
    wanted = Counts();
    change(wanted);
    const Status other = DeclareState(store, wanted).status();
    EXPECT_EQ(other.code(), StatusCode::kFailedPrecondition);
    EXPECT_TRUE(Mentions(other, ToString(Counts()))) << other;
    EXPECT_TRUE(Mentions(other, ToString(wanted))) << other;
  }
}

TEST(StoreIdentityTest, AStateMadeLaterKnowsWhichTxidsItNeverSaw) {
  MemoryStore store;
  ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
  for (uint64_t t = 5; t <= 9; ++t) {
    WriteOne(store, Table::kDecision, DecisionKey(GroupId(0), TxId(t)), "d");
  }
  WriteOne(store, Table::kDecision, DecisionKey(GroupId(1), TxId(77)), "d");
  WriteOne(store, Table::kDecision, CutKey(GroupId(0), TxId(10)), "c");
  EXPECT_EQ(DeclareState(store, Counts()).value().since, TxId(9));
}

TEST(StoreIdentityTest, AStateThatIsNoLongerDeclaredIsNamed) {
  MemoryStore store;
  ASSERT_TRUE(DeclareState(store, Counts()).ok());
  auto claim = StoreClaim::Make(store, kWordCount);
  ASSERT_TRUE(claim.ok()) << claim.status();
  StoredState renamed = Counts();
  renamed.name = "count";
  ASSERT_TRUE(claim->Declare(renamed).ok());
  const Status refused = claim->CheckAllDeclared();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Mentions(refused,
                       "holds the state 'counts', which this topology does not declare "
                       "(it declares 'count')"))
      << refused;
  EXPECT_TRUE(Mentions(refused, "`trident state rename memory counts NEW`")) << refused;
  EXPECT_TRUE(Mentions(refused, "`trident state drop memory counts`")) << refused;
  EXPECT_TRUE(Mentions(refused, "--drop-state counts")) << refused;
  ASSERT_TRUE(claim->Declare(Counts()).ok());
  EXPECT_TRUE(claim->CheckAllDeclared().ok());
}

TEST(StoreIdentityTest, EpochsGrowAcrossCrashes) {
  auto store = std::make_unique<MemoryStore>();
  ASSERT_TRUE(ClaimStore(*store, kWordCount).ok());
  Rng rng(1);
  for (uint64_t start = 1; start <= 5; ++start) {
    EXPECT_EQ(BeginEpoch(*store).value(), Epoch(start));
    store = store->Crash(rng);
    EXPECT_EQ(ReadIdentity(*store).value().epoch, Epoch(start));
  }
}

TEST(StoreIdentityTest, AnEpochIsNotBegunWhenItIsNotDurable) {
  MemoryStore store;
  ASSERT_TRUE(ClaimStore(store, kWordCount).ok());
  store.FailWriteAfter(0, MemoryStore::Failure::DiskFull());
  EXPECT_EQ(BeginEpoch(store).status().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace trident
