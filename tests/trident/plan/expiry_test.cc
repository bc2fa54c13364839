// SPDX-License-Identifier: Apache-2.0
//
// Keys that expire, against plain maps with times: random batches at random batch times, several of
// them staged at once, aborts, deltas, removals, folds, eviction, crashes; the expiry turned off
// and on; reads at every readable txid.
#include <algorithm>
#include <deque>
#include <memory>
#include <span>

#include "base/rng.h"
#include "tests/state/seeds.h"
#include "tests/state/state_harness.h"
#include "trident/plan/expiry.h"
#include "trident/plan/state_declaration.h"

namespace trident {
namespace {

constexpr int64_t kAfter = 8'000'000;

// The values of each form, by number; two are added by adding their numbers.
template <class V>
struct Numbers;
template <>
struct Numbers<int64_t> {
  static int64_t Of(int64_t n) { return n; }
  static int64_t In(int64_t value) { return value; }
};
template <>
struct Numbers<double> {
  static double Of(int64_t n) { return static_cast<double>(n) / 2; }
  static int64_t In(double value) { return static_cast<int64_t>(value * 2); }
};
template <>
struct Numbers<Timestamp> {
  static Timestamp Of(int64_t n) { return Timestamp{n}; }
  static int64_t In(Timestamp value) { return value.micros; }
};
template <>
struct Numbers<std::string> {
  static std::string Of(int64_t n) { return std::to_string(n); }
  static int64_t In(const std::string& value) { return std::stoll(value); }
};
template <>
struct Numbers<OwnedBytes> {
  static OwnedBytes Of(int64_t n) { return {std::to_string(n)}; }
  static int64_t In(const OwnedBytes& value) { return std::stoll(value.bytes); }
};
template <>
struct Numbers<std::vector<int64_t>> {
  static std::vector<int64_t> Of(int64_t n) { return {n, 1}; }
  static int64_t In(const std::vector<int64_t>& value) { return value.at(0); }
};
template <>
struct Numbers<Note> {
  static Note Of(int64_t n) { return {std::to_string(n)}; }
  static int64_t In(const Note& value) { return std::stoll(value.text); }
};
template <class V>
V Add(const V& a, const V& b) {
  return Numbers<V>::Of(Numbers<V>::In(a) + Numbers<V>::In(b));
}

std::string KeyOf(uint64_t n) {
  std::string key = Concat("k", n);
  if (n % 11 == 3) key.append(200, 'x');
  return key;
}

using Numbered = std::map<std::string, int64_t>;

// What the state is after a txid.
struct Model {
  struct Row {
    int64_t number;
    int64_t written;
  };
  std::map<std::string, Row> rows;
  int64_t time = 0;
  bool has_times = false;  // the expiry was on, since the last start at least
  uint64_t expired = 0;    // at this txid

  Numbered Content() const {
    Numbered content;
    for (const auto& [key, row] : rows) content[key] = row.number;
    return content;
  }
};

template <class V>
class ExpiringHistory {
 public:
  explicit ExpiringHistory(uint64_t seed) : rng_(seed) {
    options_.readable_versions = 1 + rng_.Below(6);
    // From "everything fits" to "nearly nothing does".
    options_.state_bytes = rng_.Chance(0.5) ? uint64_t{32} << 20 : 8192 + rng_.Below(100'000);
    options_.fold_redo_bytes = 1000 + rng_.Below(20'000);
    options_.fold_commits = 1 + rng_.Below(50);
    options_.fold_deltas = rng_.Chance(0.5) ? FoldDeltas::kUnread : FoldDeltas();
    partitions_ = rng_.Chance(0.3) ? 1 : 4;
    keys_ = rng_.Chance(0.5) ? 30 : 400;
    expires_ = rng_.Chance(0.7);
    history_.push_back({});
    durable_ = std::make_unique<MemoryStore>();
    Open();
  }
  ~ExpiringHistory() { Close(); }

  void Run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) Step();
    while (!staged_.empty()) DecideOne();
    CheckReads();
    Reopen();
    CheckReads();
  }
  uint64_t expired() const { return all_expired_; }

 private:
  static constexpr GroupId kGroup{7};
  struct Staged {
    TxId txid;
    Attempt attempt;
    Model after;
  };

  void Step() {
    const uint64_t die = rng_.Below(100);
    if (die < 40) {
      StageNext();
    } else if (die < 72) {
      DecideOne();
    } else if (die < 80) {
      AbortSome();
    } else if (die < 90) {
      CheckReads();
    } else if (die < 97) {
      const Status folded =
          rng_.Chance(0.7) ? store_->fold().FoldSlice() : store_->fold().FoldAll();
      ASSERT_TRUE(folded.ok()) << folded;
      store_->TrimIfNeeded();
    } else {
      Reopen();
    }
  }

  void Open() {
    decisions_ = std::make_unique<StoredDecisions>(*durable_);
    auto store = StateStore::Open(*durable_, {.topology = "test"}, *decisions_, options_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    StateSpec spec;
    spec.name = "counts";
    spec.partitions = partitions_;
    spec.key_fields = {{.name = "word", .type = &TypeOf<Text>()}};
    if (expires_) spec.expire_after_micros = kAfter;
    declared_ = NewMapInStore<V>(spec, &Add<V>);
    const Status opened = declared_->OpenIn(*store_, kGroup);
    ASSERT_TRUE(opened.ok()) << opened;
    auto report = store_->Recover();
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_TRUE(store_->Settle().ok());
    tasks_ = 1 + static_cast<uint32_t>(rng_.Below(partitions_));
    for (uint32_t task = 0; task < tasks_; ++task) {
      writers_.push_back(declared_->NewWriter(task, tasks_));
    }
    state_ = *store_->Find("counts");
    const size_t there = store_->Published(kGroup).value() + 1;
    ASSERT_LE(there, history_.size());
    history_.resize(there);
    // A start without the expiry forgets the times.
    if (!expires_) history_.back().has_times = false;
    expired_since_open_ = 0;
    clock_ = history_.back().time;
    EXPECT_EQ(store_->Find("counts-last-write").ok(), expires_);
  }
  void Close() {
    writers_.clear();
    declared_.reset();
    store_.reset();
  }
  void Reopen() {
    staged_.clear();
    Close();
    ++epoch_;
    counter_ = 0;
    durable_ = rng_.Chance(0.5) ? durable_->Crash(rng_) : durable_->Kill(rng_);
    if (rng_.Chance(0.25)) expires_ = !expires_;
    Open();
  }

  const Model& Newest() { return staged_.empty() ? history_.back() : staged_.back().after; }

  // Mostly a part of the time after which keys expire; now and then none, or a long one.
  int64_t TimeAfter(int64_t time) {
    if (time == 0) return 1'000'000'000 + static_cast<int64_t>(rng_.Below(1000));
    const uint64_t die = rng_.Below(20);
    if (die < 4) return time;
    if (die < 5) return time + kAfter;
    if (die < 6) return time + static_cast<int64_t>(rng_.Below(3 * kAfter));
    return time + static_cast<int64_t>(rng_.Below(kAfter / 6));
  }

  void StageNext() {
    if (staged_.size() >= 4) return;
    Staged next;
    next.after = Newest();
    next.after.expired = 0;
    next.txid = TxId(history_.size() + staged_.size());
    next.attempt = {Epoch(epoch_), ++counter_};
    next.after.time = clock_ = TimeAfter(std::max(clock_, next.after.time));
    Model& model = next.after;
    if (expires_ && !std::exchange(model.has_times, true)) {
      for (auto& [key, row] : model.rows) row.written = model.time;
    }
    model.has_times = expires_;
    if (expires_) {
      model.expired = std::erase_if(
          model.rows, [&](const auto& row) { return row.second.written + kAfter <= model.time; });
    }
    staged_.push_back(std::move(next));
    const BatchId id = IdOf(staged_.back());
    for (auto& writer : writers_) {
      const Status begun = writer->Begin(id, staged_.back().after.time);
      ASSERT_TRUE(begun.ok()) << begun;
    }
    for (uint64_t calls = rng_.Below(3); calls > 0; --calls) {
      rng_.Chance(0.5) ? StageDeltas(staged_.back()) : StageUpdates(staged_.back());
    }
  }
  static BatchId IdOf(const Staged& tx) { return {kGroup, tx.txid, tx.attempt}; }

  // Distinct keys of a task.
  std::vector<HashedKey> SomeKeys(uint32_t task, std::vector<std::string>& names) {
    std::set<std::string> chosen;
    for (uint64_t n = rng_.Below(rng_.Chance(0.2) ? 100 : 8); n > 0; --n) {
      const std::string key = KeyOf(rng_.Below(keys_));
      const uint32_t partition = PartitionOfHash(HashBytes(key), partitions_);
      if (TaskOfPartition(partition, partitions_, tasks_) == task) chosen.insert(key);
    }
    names.assign(chosen.begin(), chosen.end());
    std::vector<HashedKey> keys;
    for (const std::string& name : names) keys.push_back({name, HashBytes(name)});
    return keys;
  }

  void StageUpdates(Staged& tx) {
    const auto task = static_cast<uint32_t>(rng_.Below(tasks_));
    std::vector<std::string> names;
    const std::vector<HashedKey> keys = SomeKeys(task, names);
    std::vector<int64_t> numbers;
    for (size_t i = 0; i < keys.size(); ++i) {
      numbers.push_back(static_cast<int64_t>(rng_.Below(10)));
    }
    NewValues<V> now(keys.size());
    const Status status = writers_[task]->Stage(
        IdOf(tx), keys,
        [&](size_t i, const V* old) -> std::optional<V> {
          const auto expected = tx.after.rows.find(names[i]);
          EXPECT_EQ(old != nullptr, expected != tx.after.rows.end()) << names[i];
          if (old != nullptr && expected != tx.after.rows.end()) {
            EXPECT_EQ(Numbers<V>::In(*old), expected->second.number) << names[i];
          }
          if (numbers[i] < 2) {
            tx.after.rows.erase(names[i]);
            return std::nullopt;
          }
          tx.after.rows[names[i]] = {numbers[i], tx.after.time};
          return Numbers<V>::Of(numbers[i]);
        },
        now);
    ASSERT_TRUE(status.ok()) << status;
  }

  void StageDeltas(Staged& tx) {
    const auto task = static_cast<uint32_t>(rng_.Below(tasks_));
    std::vector<std::string> names;
    const std::vector<HashedKey> keys = SomeKeys(task, names);
    std::vector<V> deltas;
    for (const std::string& name : names) {
      const auto number = static_cast<int64_t>(rng_.Below(10));
      deltas.push_back(Numbers<V>::Of(number));
      Model::Row& row = tx.after.rows.try_emplace(name, Model::Row{0, 0}).first->second;
      row = {row.number + number, tx.after.time};
    }
    const Status status =
        writers_[task]->StageDelta(IdOf(tx), keys, std::span<const V>(deltas), &Add<V>);
    ASSERT_TRUE(status.ok()) << status;
  }

  void DecideOne() {
    if (staged_.empty()) return;
    const Staged tx = std::move(staged_.front());
    staged_.pop_front();
    std::vector<std::string> fragments(writers_.size());
    for (size_t i = 0; i < writers_.size(); ++i) writers_[i]->AppendRedo(tx.txid, fragments[i]);
    RedoHeader header;
    header.group = kGroup;
    header.txid = tx.txid;
    header.attempt = tx.attempt;
    BuiltRedo redo = BuildRedo(header, fragments);
    const uint64_t bytes = redo.record.size();
    WriteSet changes;
    changes.Put(Table::kRedo, RedoKey(kGroup, tx.txid), std::move(redo.record));
    changes.Put(Table::kDecision, DecisionKey(kGroup, tx.txid),
                StoredDecisions::Encode(tx.attempt, redo.checksum));
    const Status written =
        durable_->Write(changes, rng_.Chance(0.5) ? Durability::kSynced : Durability::kBuffered);
    ASSERT_TRUE(written.ok()) << written;
    for (auto& writer : writers_) writer->Apply(tx.txid, tx.attempt);
    store_->PublishApplied(kGroup, tx.txid, tx.attempt, bytes);
    expired_since_open_ += tx.after.expired;
    all_expired_ += tx.after.expired;
    history_.push_back(tx.after);
    EXPECT_EQ(state_->KeysExpired(), expired_since_open_);
  }

  void AbortSome() {
    if (staged_.empty()) return;
    const size_t kept = rng_.Below(staged_.size());
    for (auto& writer : writers_) writer->Abort(staged_[kept].txid);
    staged_.resize(kept);
  }

  void CheckReads() {
    const uint64_t newest = store_->Published(kGroup).value();
    const uint64_t window = options_.readable_versions;
    for (uint64_t t = newest < window ? 0 : newest - window; t <= newest; ++t) CheckAt(TxId(t));
  }

  void CheckAt(TxId at) {
    const Numbered expected = history_[at.value()].Content();
    std::vector<std::string> names;
    std::vector<std::string_view> keys;
    for (uint64_t n = 0; n < keys_; n += 1 + keys_ / 30) names.push_back(KeyOf(n));
    for (const std::string& name : names) keys.push_back(name);
    const auto found = state_->MultiGet(at, keys);
    if (absl::IsOutOfRange(found.status())) return;  // not readable any more
    ASSERT_TRUE(found.ok()) << found.status();
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto row = expected.find(names[i]);
      const auto& value = (*found)[i];
      ASSERT_TRUE(value.ok()) << value.status();
      ASSERT_EQ(value->has_value(), row != expected.end()) << names[i] << " at " << at.value();
      if (row != expected.end()) {
        EXPECT_EQ(NumberIn(**value), row->second);
      }
    }
    Numbered scanned;
    KeyRange range = KeyRange::All();
    for (;;) {
      auto page = state_->Scan(at, range, {.rows = 1 + rng_.Below(40)});
      ASSERT_TRUE(page.ok()) << page.status();
      for (const StateRow& row : page->rows) scanned[row.key] = NumberIn(row.value);
      if (!page->resume.has_value()) break;
      range.begin = *page->resume;
    }
    EXPECT_EQ(scanned, expected) << "at " << at.value();
    const auto changes = state_->ChangesOf(at, KeyRange::All());
    if (at == TxId(0) || !changes.ok()) return;
    Numbered followed = history_[at.value() - 1].Content();
    for (const StateChange& change : *changes) {
      followed.erase(change.key);
      if (change.value.has_value()) followed[change.key] = NumberIn(*change.value);
    }
    EXPECT_EQ(followed, expected) << "changes of " << at.value();
  }
  static int64_t NumberIn(std::string_view encoded) {
    ByteReader in(encoded);
    return Numbers<V>::In(Codec<V>::Decode(in));
  }

  Rng rng_;
  StateStoreOptions options_;
  uint32_t partitions_ = 1;
  uint32_t tasks_ = 1;
  uint64_t keys_ = 0;
  bool expires_ = true;
  int64_t clock_ = 0;  // goes on, also when attempts are aborted
  uint64_t epoch_ = 1;
  uint32_t counter_ = 0;
  std::unique_ptr<MemoryStore> durable_;
  std::unique_ptr<StoredDecisions> decisions_;
  std::unique_ptr<StateStore> store_;
  std::shared_ptr<MapDeclaration<V>> declared_;
  std::vector<std::unique_ptr<MapWriter<V>>> writers_;
  const ReadableState* state_ = nullptr;
  std::deque<Staged> staged_;
  std::vector<Model> history_;  // by txid
  uint64_t expired_since_open_ = 0;
  uint64_t all_expired_ = 0;
};

template <class V>
class ExpiryTest : public testing::Test {};
using Values =
    testing::Types<int64_t, double, Timestamp, std::string, OwnedBytes, std::vector<int64_t>, Note>;
TYPED_TEST_SUITE(ExpiryTest, Values);

TYPED_TEST(ExpiryTest, RandomHistoriesEqualPlainMapsWithTimes) {
  for (uint64_t seed : TestSeeds(20, 10)) {
    SCOPED_TRACE(Repro("ExpiryTest/*.RandomHistoriesEqualPlainMapsWithTimes", seed));
    ExpiringHistory<TypeParam> history(seed);
    history.Run(400);
    if (this->HasFailure()) return;
  }
}

// Adds, and while it is broken throws for what it would add to 3.
bool broken = false;
int64_t AddUnlessBroken(int64_t a, int64_t b) {
  if (broken && a == 3) throw std::domain_error("cannot count on from three");
  return a + b;
}

// A process's life with the state "counts" of one partition.
class Life {
 public:
  static constexpr GroupId kGroup{7};

  Life(DurableStore& durable, uint64_t epoch, int64_t expire_after)
      : durable_(durable), epoch_(epoch), decisions_(durable) {
    auto store = StateStore::Open(durable, {.topology = "test"}, decisions_, {});
    TRIDENT_CHECK_OK(store.status());
    store_ = *std::move(store);
    StateSpec spec;
    spec.name = "counts";
    spec.partitions = 1;
    spec.key_fields = {{.name = "word", .type = &TypeOf<Text>()}};
    spec.expire_after_micros = expire_after;
    declared_ = NewMapInStore<int64_t>(spec, &AddUnlessBroken);
    TRIDENT_CHECK_OK(declared_->OpenIn(*store_, kGroup));
    TRIDENT_CHECK_OK(store_->Recover().status());
    TRIDENT_CHECK_OK(store_->Settle());
    writer_ = declared_->NewWriter(0, 1);
  }

  // A batch that adds 3 to each key.
  Status Commit(int64_t time, const std::vector<std::string>& names) {
    TRIDENT_RETURN_IF_ERROR(Begin(time));
    TRIDENT_RETURN_IF_ERROR(Add(names));
    return Decide();
  }
  // The parts of a batch; up to four are begun before the first of them is decided.
  Status Begin(int64_t time) {
    begun_.push_back({kGroup, TxId(published().value() + 1 + begun_.size()), {Epoch(epoch_), 1}});
    return writer_->Begin(begun_.back(), time);
  }
  Status Add(const std::vector<std::string>& names) {
    const std::vector<int64_t> deltas(names.size(), 3);
    return writer_->StageDelta(begun_.back(), Hashed(names), std::span<const int64_t>(deltas),
                               &AddUnlessBroken);
  }
  Status Remove(const std::vector<std::string>& names) {
    NewValues<int64_t> now(names.size());
    return writer_->Stage(
        begun_.back(), Hashed(names),
        [](size_t, const int64_t*) { return std::optional<int64_t>(); }, now);
  }
  Status Decide() {
    const BatchId id = begun_.front();
    begun_.pop_front();
    std::vector<std::string> fragments(1);
    writer_->AppendRedo(id.txid, fragments[0]);
    RedoHeader header;
    header.group = kGroup;
    header.txid = id.txid;
    header.attempt = id.attempt;
    BuiltRedo redo = BuildRedo(header, fragments);
    const uint64_t bytes = redo.record.size();
    WriteSet changes;
    changes.Put(Table::kRedo, RedoKey(kGroup, id.txid), std::move(redo.record));
    changes.Put(Table::kDecision, DecisionKey(kGroup, id.txid),
                StoredDecisions::Encode(id.attempt, redo.checksum));
    TRIDENT_RETURN_IF_ERROR(durable_.Write(changes, Durability::kSynced));
    writer_->Apply(id.txid, id.attempt);
    store_->PublishApplied(kGroup, id.txid, id.attempt, bytes);
    return absl::OkStatus();
  }
  Status Fold() { return store_->fold().FoldAll(); }

  TxId published() const { return store_->Published(kGroup); }
  const ReadableState& state() const { return **store_->Find("counts"); }
  // "bad=? good=3 ": the rows of a scan.
  std::string RowsAt(TxId at) const {
    const auto page = state().Scan(at, KeyRange::All(), {});
    TRIDENT_CHECK_OK(page.status());
    std::string out;
    for (const StateRow& row : page->rows) {
      ByteReader in(row.value);
      out += row.key + "=" +
             (row.error.ok() ? std::to_string(Codec<int64_t>::Decode(in)) : std::string("?")) + " ";
    }
    return out;
  }

 private:
  static std::vector<HashedKey> Hashed(const std::vector<std::string>& names) {
    std::vector<HashedKey> keys;
    for (const std::string& name : names) keys.push_back({name, HashBytes(name)});
    return keys;
  }

  DurableStore& durable_;
  const uint64_t epoch_;
  std::deque<BatchId> begun_;
  StoredDecisions decisions_;
  std::unique_ptr<StateStore> store_;
  std::shared_ptr<MapDeclaration<int64_t>> declared_;
  std::unique_ptr<MapWriter<int64_t>> writer_;
};

TEST(UnreadableExpiryTest, AKeyThatCannotBeReadGetsATimeAndGoesAndReadersOfBeforeSeeItSo) {
  for (const bool folded : {false, true}) {
    MemoryStore durable;
    broken = false;
    ASSERT_TRUE(Life(durable, 1, 0).Commit(1000, {"bad", "old"}).ok());
    ASSERT_TRUE(Life(durable, 2, 0).Fold().ok());
    broken = true;
    {
      // Nobody knows over what the delta lies.
      Life life(durable, 3, 0);
      ASSERT_TRUE(life.Commit(1000, {"bad"}).ok());
      ASSERT_TRUE(life.Fold().ok());
      EXPECT_EQ(life.RowsAt(life.published()), "bad=? old=3 ");
    }
    Life life(durable, 4, kAfter);
    ASSERT_TRUE(life.Commit(2000, {"good"}).ok());
    const TxId before = life.published();
    EXPECT_EQ(life.RowsAt(before), "bad=? good=3 old=3 ");
    EXPECT_EQ(life.state().UnreadableKeys(), 1u);
    const Status gone = life.Commit(2000 + kAfter, {"new"});
    ASSERT_TRUE(gone.ok()) << gone;
    if (folded) {
      ASSERT_TRUE(life.Fold().ok());
    }
    EXPECT_EQ(life.RowsAt(life.published()), "new=3 ");
    EXPECT_EQ(life.RowsAt(before), "bad=? good=3 old=3 ") << folded;
    EXPECT_EQ(life.state().KeysExpired(), 3u);
    EXPECT_EQ(life.state().UnreadableKeys(), 0u) << folded;
  }
}

// The first page of the times may be all keys that are gone.
TEST(ExpiryStartTest, TimesBehindRemovedKeysAreFoundAfterAStart) {
  MemoryStore durable;
  broken = false;
  {
    Life life(durable, 1, kAfter);
    std::vector<std::string> first;
    for (int i = 0; i < 2000; ++i) first.push_back(Concat("a", i));
    ASSERT_TRUE(life.Commit(1000, first).ok());
    ASSERT_TRUE(life.Commit(1000, {"old"}).ok());
    ASSERT_TRUE(life.Fold().ok());
    ASSERT_TRUE(life.Begin(1500).ok());
    ASSERT_TRUE(life.Remove(first).ok());
    ASSERT_TRUE(life.Decide().ok());
  }
  Life life(durable, 2, kAfter);
  ASSERT_TRUE(life.Commit(1000 + kAfter / 2, {"new"}).ok());
  EXPECT_EQ(life.RowsAt(life.published()), "new=3 old=3 ");
  ASSERT_TRUE(life.Commit(1000 + kAfter, {"new"}).ok());
  EXPECT_EQ(life.RowsAt(life.published()), "new=6 ");
  EXPECT_EQ(life.state().KeysExpired(), 1u);
}

// Keys that began to expire get their times in several batches. What a batch that is not committed
// yet has removed gets none: it would expire once more.
TEST(ExpiryStartTest, AKeyThatABatchBeforeRemovedGetsNoTime) {
  MemoryStore durable;
  broken = false;
  std::vector<std::string> many;
  for (int i = 0; i < 70'000; ++i) many.push_back(Concat("k", 100'000 + i));
  {
    Life life(durable, 1, 0);
    ASSERT_TRUE(life.Commit(1000, many).ok());
    ASSERT_TRUE(life.Fold().ok());
  }
  Life life(durable, 2, kAfter);
  ASSERT_TRUE(life.Commit(2000, {}).ok());  // most of the keys get theirs
  ASSERT_TRUE(life.Begin(2100).ok());
  ASSERT_TRUE(life.Remove({many[66'700]}).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(life.Begin(2200 + i).ok());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(life.Decide().ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(life.Commit(2300 + i, {}).ok());
  ASSERT_TRUE(life.Commit(3000 + kAfter, {}).ok());
  EXPECT_EQ(life.RowsAt(life.published()), "");
  EXPECT_EQ(life.state().KeysExpired(), many.size() - 1);
}

}  // namespace
}  // namespace trident
