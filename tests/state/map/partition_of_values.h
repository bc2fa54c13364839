// SPDX-License-Identifier: Apache-2.0
//
// A partition with values of any kind, and what its readers should see of it: the fixture of tests
// that go through its life step by step. A combiner refuses to add to some values while a test says
// so.
#ifndef TRIDENT_TESTS_STATE_MAP_PARTITION_OF_VALUES_H_
#define TRIDENT_TESTS_STATE_MAP_PARTITION_OF_VALUES_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/coding.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/user_value.h"
#include "base/value_size.h"
#include "state/disk/memory_store.h"
#include "state/map/map_partition.h"
#include "tests/state/seeds.h"
#include "tests/state/typed_values.h"

namespace trident {

inline constexpr Attempt kAttempt{Epoch(1), 1};
// A value that a combiner refuses to add to while it is not repaired.
inline constexpr int64_t kPoison = int64_t{1} << 50;
inline bool repaired = true;

// The value that stands for a number, or one that is poison; whether a value has poison in it.
template <class V>
V ValueOf(int64_t n) {
  return ValuesOf<V>::Of(n);
}
inline bool HasPoison(int64_t v) { return v >= kPoison; }
inline bool HasPoison(const std::string& v) {
  static const std::string poison = ValueOf<std::string>(kPoison);
  return v.find(poison) != std::string::npos;
}
inline bool HasPoison(const std::vector<int64_t>& v) {
  return std::find(v.begin(), v.end(), kPoison) != v.end();
}
inline bool HasPoison(const UserValue& v) { return HasPoison(v.As<Note>().text); }
template <class V>
V Plus(const V& a, const V& b) {
  return ValuesOf<V>::Join(a, b);
}

template <class V>
class PartitionOfValues : public ::testing::Test {
 protected:
  static constexpr uint64_t kWindow = 3;

  PartitionOfValues() {
    options_.combine = [](const V& value, const V& delta) {
      if (!repaired && HasPoison(value)) throw std::overflow_error("poison");
      return Plus(value, delta);
    };
    options_.codec = CodecOf<V>();
    partition_ = std::make_unique<MapPartition<V>>(ContextOf(), options_);
    partition_->StartEmpty(TxId(0));
    timeline_.Start(TxId(0), kAttempt);
    history_.push_back({});
  }
  ~PartitionOfValues() override {
    repaired = true;
    Note::refuses_hash = false;
  }

  PartitionContext ContextOf() {
    return {.state = StateId(1),
            .partition = PartitionId(0),
            .durable = &store_,
            .timeline = &timeline_,
            .budget = &budget_,
            .fold_deltas = fold_deltas_};
  }
  static HashedKey Hashed(const std::string& key) { return {key, HashBytes(key)}; }
  TxId published() const { return TxId(history_.size() - 1); }
  TxId next() const { return published().Next(); }

  Status Put(const std::string& key, int64_t n) {
    const HashedKey hashed = Hashed(key);
    TRIDENT_RETURN_IF_ERROR(partition_->Stage(next(), kAttempt, {&hashed, 1},
                                              [&](size_t, const V*) { return ValueOf<V>(n); }));
    staged_.insert_or_assign(key, ValueOf<V>(n));
    touched_ = next();
    return absl::OkStatus();
  }
  Status Remove(const std::string& key) {
    const HashedKey hashed = Hashed(key);
    TRIDENT_RETURN_IF_ERROR(
        partition_->Stage(next(), kAttempt, {&hashed, 1},
                          [&](size_t, const V*) -> std::optional<V> { return std::nullopt; }));
    staged_.erase(key);
    touched_ = next();
    return absl::OkStatus();
  }
  // The same without a look at what the key has.
  Status PutUnread(const std::string& key, std::optional<int64_t> n) {
    const HashedKey hashed = Hashed(key);
    TRIDENT_RETURN_IF_ERROR(
        partition_->StageUnread(next(), kAttempt, {&hashed, 1}, [&](size_t) -> std::optional<V> {
          if (!n.has_value()) return std::nullopt;
          return ValueOf<V>(*n);
        }));
    staged_.erase(key);
    if (n.has_value()) staged_.insert_or_assign(key, ValueOf<V>(*n));
    touched_ = next();
    return absl::OkStatus();
  }
  // More than half of what a value may have.
  static V Large() {
    V large = ValueOf<V>((int64_t{1} << 60) / 7 * 7);
    while (2 * EncodedBytes(large) <= kValueBytesMax) large = Plus(large, large);
    return large;
  }
  void Add(const std::string& key, int64_t n) { AddValue(key, ValueOf<V>(n)); }
  void AddValue(const std::string& key, const V& delta) {
    const HashedKey hashed = Hashed(key);
    TRIDENT_CHECK_OK(
        partition_->StageDelta(next(), kAttempt, {&hashed, 1}, {&delta, 1}, options_.combine));
    touched_ = next();
    const auto old = staged_.find(key);
    staged_.insert_or_assign(key, old == staged_.end() ? delta : Plus(old->second, delta));
  }
  void Commit() {
    if (next() != touched_) return;
    std::string redo;
    partition_->AppendRedo(next(), redo);
    partition_->Apply(next(), kAttempt);
    timeline_.Publish(next(), kAttempt);
    history_.push_back(staged_);
  }
  void Abort() {
    partition_->Abort(next());
    staged_ = history_.back();
    touched_ = TxId(0);
  }

  // ---- a fold, step by step ----
  void BeginFold() {
    fold_ = partition_->BeginFold(published(), kAttempt);
    while (fold_->Collect(3)) {
    }
  }
  Status Merge() { return fold_->Merge(); }
  Status Install() {
    TRIDENT_ASSIGN_OR_RETURN(auto load, store_.NewBulkLoad(Table::kBase));
    TRIDENT_RETURN_IF_ERROR(fold_->WriteTo(*load));
    fold_->ReleaseRows();
    return load->Install();
  }
  Status Finish() {
    const Status finished = fold_->Finish();
    marker_ = fold_->marker();
    fold_ = nullptr;
    return finished;
  }
  void Fold() {
    BeginFold();
    TRIDENT_CHECK_OK(Merge());
    TRIDENT_CHECK_OK(Install());
    TRIDENT_CHECK_OK(Finish());
  }
  // Another life of the process, which has nothing but these sections of redo, of txid 1 and so on.
  Status Replay(const std::vector<std::string>& sections) {
    partition_ = std::make_unique<MapPartition<V>>(ContextOf(), options_);
    partition_->StartEmpty(TxId(0));
    timeline_.Start(TxId(sections.size()), kAttempt);
    history_.resize(sections.size() + 1);
    first_ = published();
    for (size_t i = 0; i < sections.size(); ++i) {
      TRIDENT_RETURN_IF_ERROR(partition_->ReplayRedo(TxId(i + 1), kAttempt, sections[i]));
    }
    return absl::OkStatus();
  }
  struct Row {
    RowOperation operation;
    std::string key;
    V value;
  };
  static std::string SectionOf(const std::vector<Row>& rows) {
    std::string section;
    ChangeRowWriter<V> writer(section);
    for (const Row& row : rows) writer.Write(row.operation, row.key, row.value);
    return section;
  }
  // Why the key cannot be read now, in all ways to read it.
  Status WhyNot(const std::string& key) {
    const Status alone = partition_->Get(published(), Hashed(key)).status();
    const std::string good = "good";
    const std::vector<HashedKey> two = {Hashed(good), Hashed(key)};
    std::vector<Status> many(2);
    TRIDENT_CHECK_OK(partition_->GetAll(
        published(), two, [](size_t, const V*) {},
        [&](size_t i, const Status& why) { many[i] = why; }));
    EXPECT_EQ(many[0], absl::OkStatus());
    EXPECT_EQ(many[1], alone);
    const auto page = partition_->Scan(published(), KeyRange::All(), {});
    TRIDENT_CHECK_OK(page.status());
    EXPECT_EQ(page->rows.size(), 1u) << "the good one";
    EXPECT_EQ(page->unreadable.size(), alone.ok() ? 0u : 1u);
    if (!page->unreadable.empty()) {
      EXPECT_EQ(page->unreadable[0].first, key);
      EXPECT_EQ(page->unreadable[0].second.code(), alone.code());
    }
    EXPECT_EQ(partition_->UnreadableKeys(), alone.ok() ? 0u : 1u);
    return alone;
  }
  // Another life of the process, which has only what the base has.
  void Restart() {
    partition_ = std::make_unique<MapPartition<V>>(ContextOf(), options_);
    partition_->StartFrom(marker_);
    first_ = marker_.txid;
  }

  // ---- checks ----
  void ExpectAccountIsRight() {
    const auto walked = partition_->WalkValues(), accounted = partition_->AccountedValues();
    ASSERT_EQ(walked.entries, accounted.entries);
    ASSERT_EQ(walked.previous, accounted.previous);
    ASSERT_EQ(walked.staged, accounted.staged);
  }
  TxId oldest() const { return std::max(timeline_.oldest(), first_); }
  static bool IsBad(const std::string& key) { return key[0] == 'x'; }
  void ExpectReads(const std::vector<std::string>& keys) {
    for (TxId at = oldest(); at <= published(); at = at.Next()) {
      const Content<V>& content = history_[at.value()];
      for (const std::string& key : keys) {
        const auto got = partition_->Get(at, Hashed(key));
        if (!got.ok() && IsBad(key) && !repaired) {
          EXPECT_NE(Message(got.status()).find("poison"), std::string_view::npos) << got.status();
          continue;
        }
        ASSERT_TRUE(got.ok()) << key << ": " << got.status();
        const auto expected = content.find(key);
        ASSERT_EQ(got->has_value(), expected != content.end()) << key << " at " << at.value();
        if (!got->has_value()) continue;
        ASSERT_EQ(Encoded(**got), Encoded(expected->second)) << key << " at " << at.value();
      }
    }
  }
  void ExpectScan(TxId at, PageLimits limits) {
    std::map<std::string, std::string> expected, got;
    for (const auto& [key, value] : history_[at.value()]) expected[key] = Encoded(value);
    KeyRange range = KeyRange::All();
    for (;;) {
      auto page = partition_->Scan(at, range, limits);
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_LE(page->rows.size(), limits.rows);
      uint64_t bytes = 0;
      for (const auto& [key, value] : page->rows) {
        ASSERT_TRUE(got.empty() || got.rbegin()->first < key);
        got[key] = Encoded(value);
        bytes += key.size() + got[key].size();
      }
      if (page->rows.size() > 1) {
        ASSERT_LE(bytes, limits.bytes + 16 * page->rows.size());
      }
      if (!page->resume) break;
      ASSERT_LT(range.begin, *page->resume);
      range.begin = *page->resume;
    }
    ASSERT_EQ(got, expected);
  }

  MemoryStore store_;
  GroupTimeline timeline_{GroupId(1), kWindow};
  MemoryBudget budget_{20'000};
  MapOptions<V> options_;
  FoldDeltas fold_deltas_ = FoldDeltas::kWhateverIsCheaper;
  std::unique_ptr<MapPartition<V>> partition_;
  std::unique_ptr<PartitionFold> fold_;
  Marker marker_;
  Content<V> staged_;
  TxId first_;    // that this life can read
  TxId touched_;  // the txid that has staged something
  std::vector<Content<V>> history_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_STATE_MAP_PARTITION_OF_VALUES_H_
