// SPDX-License-Identifier: Apache-2.0
//
// A store of one group and one map state over a durable store, with the part of the worker that
// makes redo and decisions durable. What it commits stands in `history`, kept as plain maps.
// StateHarness has a MemoryStore under it. V is one of StateValues (tests/state/typed_values.h).
#ifndef TRIDENT_TESTS_STATE_STATE_HARNESS_H_
#define TRIDENT_TESTS_STATE_STATE_HARNESS_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/status.h"
#include "gtest/gtest.h"
#include "state/disk/memory_store.h"
#include "state/disk/store_layout.h"
#include "state/state_store.h"
#include "tests/state/typed_values.h"

namespace trident {

// The decisions that a durable store has: one attempt a txid, and the checksum of its redo.
class StoredDecisions : public DecidedAttempts {
 public:
  explicit StoredDecisions(const DurableStore& durable) {
    auto cursor = durable.NewCursor(Table::kDecision);
    for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
      const TxIdKey key = *ParseDecisionKey(cursor->key());
      ByteReader in(cursor->value());
      const Epoch epoch(in.Varint());
      const Attempt attempt{epoch, static_cast<uint32_t>(in.Varint())};
      attempts_[key.group][key.txid] = attempt;
      if (!in.done()) redo_checksums_[key.group][key.txid] = in.Fixed64();
    }
  }
  static std::string Encode(Attempt attempt) {
    std::string out;
    PutVarint(out, attempt.epoch.value());
    PutVarint(out, attempt.counter);
    return out;
  }
  static std::string Encode(Attempt attempt, uint64_t redo_checksum) {
    std::string out = Encode(attempt);
    PutFixed64(out, redo_checksum);
    return out;
  }

  TxId LastDecided(GroupId group) const override {
    const auto found = attempts_.find(group);
    return found == attempts_.end() ? TxId(0) : found->second.rbegin()->first;
  }
  std::optional<Attempt> AttemptOf(GroupId group, TxId txid) const override {
    const auto found = attempts_.find(group);
    if (found == attempts_.end()) return std::nullopt;
    const auto attempt = found->second.find(txid);
    if (attempt == found->second.end()) return std::nullopt;
    return attempt->second;
  }
  std::optional<uint64_t> RedoChecksumOf(GroupId group, TxId txid) const override {
    const auto found = redo_checksums_.find(group);
    if (found == redo_checksums_.end()) return std::nullopt;
    const auto checksum = found->second.find(txid);
    if (checksum == found->second.end()) return std::nullopt;
    return checksum->second;
  }

 private:
  std::map<GroupId, std::map<TxId, Attempt>> attempts_;
  std::map<GroupId, std::map<TxId, uint64_t>> redo_checksums_;
};

struct HarnessOptions {
  uint32_t partitions = 4;
  StateStoreOptions store;
};

inline constexpr GroupId kHarnessGroup{7};

// Changes that tests speak of: the numbers of the values (ValuesOf<V>), or nullopt to remove a key.
using NumberedChanges = std::map<std::string, std::optional<int64_t>>;

template <class V>
class StateOverStore {
 public:
  static constexpr GroupId kGroup = kHarnessGroup;

  explicit StateOverStore(const HarnessOptions& options) : options_(options) {
    history_.push_back({});
  }
  ~StateOverStore() { Close(); }

  // Opens over what `durable` has, which must stay until Close.
  Status Open(DurableStore& durable) {
    Close();
    durable_ = &durable;
    decisions_ = std::make_unique<StoredDecisions>(durable);
    TRIDENT_ASSIGN_OR_RETURN(
        store_, StateStore::Open(durable, {.topology = "test"}, *decisions_, options_.store));
    StateSpec spec;
    spec.name = "counts";
    spec.group = kGroup;
    spec.partitions = options_.partitions;
    spec.key_fields = {{.name = "word", .type = &TypeOf<Text>()}};
    TRIDENT_ASSIGN_OR_RETURN(map_, store_->AddMap<V>(spec, SummingOptions<V>()));
    share_ = std::make_unique<MapShare<V>>(*map_);
    TRIDENT_ASSIGN_OR_RETURN(report_, store_->Recover());
    return store_->Settle();
  }
  void Close() {
    share_.reset();
    store_.reset();
    map_ = nullptr;
  }

  // A txid's durable part: redo and decision in one write.
  Status Decide(TxId t, Attempt attempt, Durability durability = Durability::kSynced) {
    std::string fragment;
    share_->AppendRedo(t, fragment);
    RedoHeader header;
    header.group = kGroup;
    header.txid = t;
    header.attempt = attempt;
    BuiltRedo redo = BuildRedo(header, std::span(&fragment, 1));
    redo_bytes_[t] = redo.record.size();
    WriteSet changes;
    changes.Put(Table::kRedo, RedoKey(kGroup, t), std::move(redo.record));
    changes.Put(Table::kDecision, DecisionKey(kGroup, t),
                StoredDecisions::Encode(attempt, redo.checksum));
    return durable_->Write(changes, durability);
  }
  void ApplyAndPublish(TxId t, Attempt attempt, Content<V> after) {
    share_->Apply(t, attempt);
    store_->PublishApplied(kGroup, t, attempt, redo_bytes_[t]);
    history_.push_back(std::move(after));
  }

  // One whole txid that puts (or with nullopt removes) these keys.
  Status TryCommit(const NumberedChanges& changes) {
    const TxId t = published().Next();
    const Attempt attempt{Epoch(1), 1};
    Content<V> after = history_.back();
    std::vector<HashedKey> keys;
    std::vector<std::optional<V>> values;
    for (const auto& [key, number] : changes) {
      keys.push_back({key, HashBytes(key)});
      values.emplace_back();
      after.erase(key);
      if (!number.has_value()) continue;
      values.back() = ValuesOf<V>::Of(*number);
      after.emplace(key, *values.back());
    }
    // Every other txid looks at nothing that was there, which must make no difference.
    if (t.value() % 2 == 0) {
      TRIDENT_RETURN_IF_ERROR(
          share_->Stage(t, attempt, keys, [&](size_t i, const V*) { return values[i]; }));
    } else {
      TRIDENT_RETURN_IF_ERROR(
          share_->StageUnread(t, attempt, keys, [&](size_t i) { return values[i]; }));
    }
    TRIDENT_RETURN_IF_ERROR(Decide(t, attempt));
    ApplyAndPublish(t, attempt, std::move(after));
    return absl::OkStatus();
  }
  // One whole txid that adds to these keys, without reading them.
  Status TryCommitDeltas(const std::map<std::string, int64_t>& deltas) {
    const TxId t = published().Next();
    const Attempt attempt{Epoch(1), 1};
    Content<V> after = history_.back();
    std::vector<HashedKey> keys;
    std::vector<V> values;
    for (const auto& [key, number] : deltas) {
      keys.push_back({key, HashBytes(key)});
      values.push_back(ValuesOf<V>::Of(number));
      AddTo(after, key, values.back());
    }
    TRIDENT_RETURN_IF_ERROR(
        share_->StageDelta(t, attempt, keys, std::span<const V>(values), &ValuesOf<V>::Sum));
    TRIDENT_RETURN_IF_ERROR(Decide(t, attempt));
    ApplyAndPublish(t, attempt, std::move(after));
    return absl::OkStatus();
  }
  void Commit(const NumberedChanges& changes) {
    const Status committed = TryCommit(changes);
    ASSERT_TRUE(committed.ok()) << committed;
  }

  // The whole state at `at`, read in pages of `rows`.
  StatusOr<Content<V>> ReadAll(TxId at, uint64_t rows = 7,
                               const KeyRange& range = KeyRange::All()) {
    Content<V> out;
    KeyRange rest = range;
    for (;;) {
      TRIDENT_ASSIGN_OR_RETURN(StatePage page, map_->Scan(at, rest, {.rows = rows}));
      for (const StateRow& row : page.rows) {
        ByteReader in(row.value);
        EXPECT_TRUE(range.Contains(row.key)) << row.key;
        EXPECT_TRUE(out.empty() || out.rbegin()->first < row.key) << "rows come in key order";
        out.insert_or_assign(row.key, CodecOf<V>().Decode(in));
        EXPECT_TRUE(in.done());
      }
      if (!page.resume.has_value()) return out;
      EXPECT_LT(rest.begin, *page.resume) << "a page moves on";
      rest.begin = *page.resume;
    }
  }

  TxId published() const { return store_->Published(kGroup); }
  const Content<V>& At(TxId t) const { return history_[t.value()]; }
  std::vector<Content<V>>& history() { return history_; }
  StateStore& store() { return *store_; }
  MapState<V>& map() { return *map_; }
  MapShare<V>& share() { return *share_; }
  const RecoveryReport& report() const { return report_; }
  HarnessOptions& options() { return options_; }

 private:
  HarnessOptions options_;
  DurableStore* durable_ = nullptr;
  std::unique_ptr<StoredDecisions> decisions_;
  std::unique_ptr<StateStore> store_;
  MapState<V>* map_ = nullptr;
  std::unique_ptr<MapShare<V>> share_;
  RecoveryReport report_;
  std::map<TxId, uint64_t> redo_bytes_;
  std::vector<Content<V>> history_;  // by txid
};

template <class V>
class StateHarness : public StateOverStore<V> {
 public:
  explicit StateHarness(const HarnessOptions& options = {})
      : StateOverStore<V>(options), durable_(std::make_unique<MemoryStore>()) {
    const Status opened = Open();
    EXPECT_TRUE(opened.ok()) << opened;
  }
  ~StateHarness() { this->Close(); }

  Status Open() { return StateOverStore<V>::Open(*durable_); }
  // Power fails, and what the disk has is opened. The history ends with what was durably decided.
  Status CrashAndOpen(Rng& rng) {
    this->Close();
    durable_ = durable_->Crash(rng);
    return OpenWhatIsLeft();
  }
  // The process is killed, the machine goes on: nothing that was written is lost.
  Status KillAndOpen(Rng& rng) {
    this->Close();
    durable_ = durable_->Kill(rng);
    return OpenWhatIsLeft();
  }
  MemoryStore& durable() { return *durable_; }

 private:
  Status OpenWhatIsLeft() {
    TRIDENT_RETURN_IF_ERROR(Open());
    const size_t there = this->published().value() + 1;
    EXPECT_LE(there, this->history().size()) << "more is there than was decided";
    this->history().resize(there);
    return absl::OkStatus();
  }

  std::unique_ptr<MemoryStore> durable_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_STATE_STATE_HARNESS_H_
