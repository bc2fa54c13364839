// SPDX-License-Identifier: Apache-2.0
//
// Random histories against plain maps: several txids staged at once, aborts, deltas, folds,
// eviction, reads at every readable txid, crashes.
#include <algorithm>
#include <deque>
#include <span>

#include "base/codec.h"
#include "base/hash.h"
#include "tests/state/seeds.h"
#include "tests/state/state_harness.h"
#include "tests/state/typed_maps.h"

namespace trident {
namespace {

// Keys of every length class: inline, in the arena, longer than a slab takes; many share prefixes.
// More than a history makes of any type, with the previous values that its pins hold.
constexpr uint64_t kAmpleBytes = uint64_t{16} << 20;

std::string KeyOf(uint64_t n) {
  std::string key = Concat("k", n);
  if (n % 5 == 1) key.insert(0, std::string(n % 23, 'a'));
  if (n % 41 == 7) key.append(300, static_cast<char>('a' + n % 7));
  if (n == 13) key.clear();
  return key;
}

template <class V>
class RandomHistory {
 public:
  explicit RandomHistory(uint64_t seed) : rng_(seed), harness_(OptionsFrom(rng_)) {
    key_space_ = rng_.Chance(0.5) ? 40 : 600;
    use_deltas_ = rng_.Chance(0.6);
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) Step();
    DecideAll();
    CheckReads();
    Reopen();
    CheckReads();
  }

 private:
  struct Staged {
    TxId txid;
    Attempt attempt;
    Content<V> after;
  };

  static V Of(int64_t n) { return ValuesOf<V>::Of(n); }
  static HarnessOptions OptionsFrom(Rng& rng) {
    HarnessOptions options;
    options.partitions = rng.Chance(0.3) ? 1 : 4;
    options.store.readable_versions = 1 + rng.Below(6);
    // From "everything fits" to "nearly nothing does".
    options.store.state_bytes = rng.Chance(0.5) ? kAmpleBytes : 4096 + rng.Below(60'000);
    options.store.fold_redo_bytes = 1000 + rng.Below(20'000);
    options.store.fold_commits = 1 + rng.Below(50);
    options.store.fold_deltas = rng.Chance(0.5) ? FoldDeltas::kUnread : FoldDeltas();
    return options;
  }

  void Step() {
    const uint64_t die = rng_.Below(100);
    if (die < 40) {
      StageNext();
    } else if (die < 70) {
      DecideOne();
    } else if (die < 78) {
      AbortSome();
    } else if (die < 90) {
      CheckReads();
    } else if (die < 96) {
      const Status folded = rng_.Chance(0.7) ? harness_.store().fold().FoldSlice()
                                             : harness_.store().fold().FoldAll();
      ASSERT_TRUE(folded.ok()) << folded;
      harness_.store().TrimIfNeeded();
    } else if (die < 97) {
      TogglePin();
    } else if (die < 98) {
      FoldAmidSteps();
    } else {
      Reopen();
    }
  }

  const Content<V>& Newest() {
    return staged_.empty() ? harness_.history().back() : staged_.back().after;
  }

  void StageNext() {
    if (staged_.size() >= 4) return;
    Staged next;
    next.txid = harness_.published();
    for (size_t i = 0; i <= staged_.size(); ++i) next.txid = next.txid.Next();
    next.attempt = {Epoch(epoch_), ++counter_};
    next.after = Newest();
    const uint64_t calls = rng_.Below(4);  // none: a txid may change nothing
    for (uint64_t call = 0; call < calls; ++call) {
      if (use_deltas_ && rng_.Chance(0.6)) {
        StageDeltas(next);
      } else {
        StageUpdates(next);
      }
    }
    staged_.push_back(std::move(next));
  }

  std::vector<std::string> SomeKeys() {
    std::vector<std::string> keys;
    for (uint64_t n = rng_.Below(rng_.Chance(0.2) ? 200 : 12); n > 0; --n) {
      keys.push_back(KeyOf(rng_.Below(key_space_)));
    }
    return keys;
  }
  static std::vector<HashedKey> Hashed(const std::vector<std::string>& keys) {
    std::vector<HashedKey> out;
    for (const std::string& key : keys) out.push_back({key, HashBytes(key)});
    return out;
  }

  // Keys may repeat in a call.
  void StageUpdates(Staged& tx) {
    const std::vector<std::string> keys = SomeKeys();
    std::vector<int> kinds;
    for (size_t i = 0; i < keys.size(); ++i) kinds.push_back(static_cast<int>(rng_.Below(10)));
    const int64_t mark = static_cast<int64_t>(rng_.Below(1'000'000)) - 500'000;
    const Status status = harness_.share().Stage(
        tx.txid, tx.attempt, Hashed(keys), [&](size_t i, const V* old) -> std::optional<V> {
          const auto expected = tx.after.find(keys[i]);
          EXPECT_EQ(old != nullptr, expected != tx.after.end()) << keys[i];
          if (old != nullptr && expected != tx.after.end()) {
            EXPECT_EQ(*old, expected->second) << keys[i];
          }
          if (kinds[i] < 2) {
            tx.after.erase(keys[i]);
            return std::nullopt;
          }
          if (kinds[i] < 6) tx.after.erase(keys[i]);
          AddTo(tx.after, keys[i], kinds[i] < 6 ? Of(mark + static_cast<int64_t>(i)) : Of(1));
          return tx.after.at(keys[i]);
        });
    ASSERT_TRUE(status.ok()) << status;
  }

  void StageDeltas(Staged& tx) {
    const std::vector<std::string> keys = SomeKeys();
    std::vector<V> deltas;
    for (const std::string& key : keys) {
      deltas.push_back(Of(static_cast<int64_t>(rng_.Below(100))));
      AddTo(tx.after, key, deltas.back());
    }
    const Status status = harness_.share().StageDelta(
        tx.txid, tx.attempt, Hashed(keys), std::span<const V>(deltas), &ValuesOf<V>::Sum);
    ASSERT_TRUE(status.ok()) << status;
  }

  void DecideOne() {
    if (staged_.empty()) return;
    Staged tx = std::move(staged_.front());
    staged_.pop_front();
    const Status decided = harness_.Decide(
        tx.txid, tx.attempt, rng_.Chance(0.5) ? Durability::kSynced : Durability::kBuffered);
    ASSERT_TRUE(decided.ok()) << decided;
    harness_.ApplyAndPublish(tx.txid, tx.attempt, std::move(tx.after));
  }
  void DecideAll() {
    while (!staged_.empty()) DecideOne();
  }

  void AbortSome() {
    if (staged_.empty()) return;
    const size_t kept = rng_.Below(staged_.size());
    harness_.share().Abort(staged_[kept].txid);
    staged_.resize(kept);
  }

  // The fold of one partition, with other work between all of its steps. Now and then it ends
  // there.
  void FoldAmidSteps() {
    auto partition = static_cast<uint32_t>(rng_.Below(harness_.options().partitions));
    StatePartition& folded = harness_.map().partition(PartitionId(partition));
    const TxId at = harness_.published();
    if (folded.marker().txid == at) return;
    std::optional<Snapshot> held;
    if (auto pin = harness_.store().Pin(kHarnessGroup, ReadAt::Exactly(at)); pin.ok()) {
      held.emplace(*std::move(pin));
    }
    const StoredDecisions decisions(harness_.durable());
    auto fold = folded.BeginFold(at, *decisions.AttemptOf(kHarnessGroup, at));
    while (fold->Collect(1 + static_cast<uint32_t>(rng_.Below(20)))) StepsAmidFold();
    // A real fold holds the txid; a pin gives way when memory is short, and then what was collected
    // is not to be used.
    if (!harness_.map().Find(at, Hashed({KeyOf(1)})[0]).ok()) return;
    held.reset();
    StepsAmidFold();
    ASSERT_TRUE(fold->Merge().ok());
    StepsAmidFold();
    auto load = harness_.durable().NewBulkLoad(Table::kBase);
    ASSERT_TRUE(load.ok() && fold->WriteTo(**load).ok());
    fold->ReleaseRows();
    StepsAmidFold();
    ASSERT_TRUE(harness_.durable().Write({}, Durability::kSynced).ok());
    const bool installs = rng_.Chance(0.9);
    if (installs) {
      ASSERT_TRUE((*load)->Install().ok());
    }
    StepsAmidFold();
    if (installs && rng_.Chance(0.9)) {
      const Status finished = fold->Finish();
      ASSERT_TRUE(finished.ok()) << finished;
      return;
    }
    // Nobody knows what the base has, but reads go on.
    fold.reset();
    StepsAmidFold();
    Reopen();
  }

  void StepsAmidFold() {
    for (uint64_t n = rng_.Below(5); n > 0 && !testing::Test::HasFailure(); --n) {
      const uint64_t die = rng_.Below(100);
      if (die < 35) {
        StageNext();
      } else if (die < 70) {
        DecideOne();
      } else if (die < 78) {
        AbortSome();
      } else {
        CheckReads();
      }
    }
  }

  void TogglePin() {
    if (pin_.has_value()) {
      pin_.reset();
    } else {
      StatusOr<Snapshot> pin = harness_.store().Pin(kHarnessGroup, ReadAt::Latest());
      ASSERT_TRUE(pin.ok());
      pin_.emplace(*std::move(pin));
    }
  }

  void Reopen() {
    pin_.reset();
    staged_.clear();
    ++epoch_;
    counter_ = 0;
    const Status opened =
        rng_.Chance(0.5) ? harness_.CrashAndOpen(rng_) : harness_.KillAndOpen(rng_);
    ASSERT_TRUE(opened.ok()) << opened;
    newest_at_open_ = harness_.published().value();
  }

  // Each partition of the base is what its marker says.
  void CheckBase() {
    const MemoryStore& durable = harness_.durable();
    const StateId state = harness_.map().info().id;
    const uint32_t partitions = harness_.options().partitions;
    for (PartitionId p; p.value() < partitions; p = p.Next()) {
      const auto stored = durable.Get(Table::kBase, MarkerKey(state, p));
      ASSERT_TRUE(stored.ok());
      if (!stored->has_value()) continue;
      const TxId txid = DecodeMarker(**stored)->txid;
      Content<V> wanted, found;
      for (const auto& [key, value] : harness_.At(txid)) {
        if (PartitionOfHash(HashBytes(key), partitions) == p.value()) wanted[key] = value;
      }
      const auto cursor = durable.NewCursor(Table::kBase, {.end = PartitionEnd(state, p)});
      for (cursor->Seek(BasePrefix(state, p)); cursor->Valid(); cursor->Next()) {
        const std::string key(ParseBaseKey(cursor->key())->key);
        for (ByteReader in(cursor->value()); !in.done();) {
          AddTo(found, key, CodecOf<V>().Decode(in));
        }
      }
      ASSERT_EQ(found, wanted) << "partition " << p.value() << " at " << txid.value();
    }
  }

  void CheckReads() {
    CheckBase();
    // The window as promised: a pin, and the newest txids.
    const uint64_t newest = harness_.published().value();
    if (pin_.has_value() && MayHaveExpired(pin_->txid())) pin_.reset();
    if (pin_.has_value()) CheckAt(pin_->txid());
    CheckAt(harness_.published());
    const TxId some(rng_.Below(newest + 2));
    const StatusOr<std::optional<V>> read = harness_.map().Find(some, Hashed({KeyOf(1)})[0]);
    if (read.ok()) {
      CheckAt(some);
    } else {
      EXPECT_EQ(read.status().code(), StatusCode::kOutOfRange);
      const uint64_t window = harness_.options().store.readable_versions;
      const bool must_be_readable = some.value() >= newest_at_open_ && some.value() <= newest &&
                                    some.value() + window > newest;
      EXPECT_FALSE(must_be_readable && harness_.options().store.state_bytes >= kAmpleBytes)
          << read.status();
    }
  }

  // Pins give way when previous values outgrow their share, which only a tiny budget lets happen
  // here.
  bool MayHaveExpired(TxId at) {
    const Status readable = harness_.map().Find(at, Hashed({KeyOf(1)})[0]).status();
    if (readable.ok()) return false;
    EXPECT_EQ(readable.code(), StatusCode::kOutOfRange);
    EXPECT_LT(harness_.options().store.state_bytes, kAmpleBytes) << readable;
    return true;
  }

  void CheckAt(TxId at) {
    const Content<V>& expected = harness_.At(at);
    CheckGets(at, expected);
    CheckScans(at, expected);
    CheckChanges(at);
  }

  void CheckGets(TxId at, const Content<V>& expected) {
    std::vector<std::string> keys;
    for (int i = 0; i < 20; ++i) keys.push_back(KeyOf(rng_.Below(key_space_)));
    std::vector<int> calls(keys.size());
    const Status status = harness_.map().GetAll(at, Hashed(keys), [&](size_t i, const V* v) {
      ++calls[i];
      const auto found = expected.find(keys[i]);
      ASSERT_EQ(v != nullptr, found != expected.end()) << keys[i] << " at " << at.value();
      if (v != nullptr) {
        EXPECT_EQ(*v, found->second) << keys[i] << " at " << at.value();
      }
    });
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(std::all_of(calls.begin(), calls.end(), [](int n) { return n == 1; }));
  }

  void CheckScans(TxId at, const Content<V>& expected) {
    KeyRange range;
    if (rng_.Chance(0.5)) range = KeyRange::Prefix(KeyOf(rng_.Below(key_space_)).substr(0, 2));
    const StatusOr<Content<V>> all = harness_.ReadAll(at, 1 + rng_.Below(40), range);
    ASSERT_TRUE(all.ok()) << all.status();
    Content<V> wanted;
    for (const auto& [key, value] : expected) {
      if (range.Contains(key)) wanted[key] = value;
    }
    EXPECT_EQ(*all, wanted) << "at " << at.value();
  }

  void CheckChanges(TxId at) {
    const StatusOr<std::vector<StateChange>> changes =
        harness_.map().ChangesOf(at, KeyRange::All());
    if (!changes.ok()) {
      EXPECT_EQ(changes.status().code(), StatusCode::kOutOfRange);
      return;
    }
    if (at == TxId(0)) return;
    Content<V> rebuilt = harness_.At(at.Prev());
    for (const StateChange& change : *changes) {
      rebuilt.erase(change.key);
      if (!change.value.has_value()) continue;
      ByteReader in(*change.value);
      rebuilt.emplace(change.key, CodecOf<V>().Decode(in));
    }
    EXPECT_EQ(rebuilt, harness_.At(at)) << "changes of " << at.value();
  }

  Rng rng_;
  StateHarness<V> harness_;
  uint64_t key_space_ = 0;
  bool use_deltas_ = false;
  uint64_t epoch_ = 1;
  uint32_t counter_ = 0;
  uint64_t newest_at_open_ = 0;
  std::deque<Staged> staged_;
  std::optional<Snapshot> pin_;
};

template <class V>
class StateOracleTest : public testing::Test {};
TYPED_TEST_SUITE(StateOracleTest, StateValues);

TYPED_TEST(StateOracleTest, RandomHistoriesEqualPlainMaps) {
  for (uint64_t seed : TestSeeds(30, 10)) {
    SCOPED_TRACE(Repro("StateOracleTest/*.RandomHistoriesEqualPlainMaps", seed));
    RandomHistory<TypeParam>(seed).Run(400);
    if (this->HasFailure()) return;
  }
}

}  // namespace
}  // namespace trident
