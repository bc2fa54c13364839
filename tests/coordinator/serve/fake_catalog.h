// SPDX-License-Identifier: Apache-2.0
//
// A StateCatalog whose states are plain maps and whose txids a test commits by hand.
#ifndef TRIDENT_TESTS_COORDINATOR_SERVE_FAKE_CATALOG_H_
#define TRIDENT_TESTS_COORDINATOR_SERVE_FAKE_CATALOG_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/codec.h"
#include "base/mutex.h"
#include "state/view/state_catalog.h"

namespace trident {

// Remembers every version of every key. Thread-safe.
class FakeState final : public ReadableState {
 public:
  FakeState(StateInfo info, const GroupTimeline& timeline)
      : info_(std::move(info)), timeline_(timeline) {}

  void Set(TxId txid, const std::string& key, std::optional<std::string> value);
  // A key whose value cannot be read, and why.
  void MakeUnreadable(const std::string& key, const Status& why);
  // Called, without a lock, before each read by Get, MultiGet and Scan. Set before the first read.
  std::function<void()> before_read;
  // Rows that one Scan looks at, to make pages without rows.
  uint64_t rows_looked_at_max = ~uint64_t{0};

  const StateInfo& info() const override { return info_; }
  StatusOr<std::optional<std::string>> Get(TxId at, std::string_view key) const override;
  StatusOr<Answers> MultiGet(TxId at, std::span<const std::string_view> keys) const override;
  StatusOr<StatePage> Scan(TxId at, const KeyRange& range, PageLimits limits) const override;
  StatusOr<std::vector<StateChange>> ChangesOf(TxId at, const KeyRange& range) const override;
  uint64_t ApproximateKeys() const override;
  uint64_t UnreadableKeys() const override;

 private:
  using Versions = std::map<TxId, std::optional<std::string>>;
  static std::optional<std::string> VersionAt(const Versions& versions, TxId at);

  const StateInfo info_;
  const GroupTimeline& timeline_;
  mutable Mutex mutex_;
  std::map<std::string, Versions, std::less<>> keys_ TRIDENT_GUARDED_BY(mutex_);
  std::map<std::string, Status, std::less<>> unreadable_ TRIDENT_GUARDED_BY(mutex_);
};

// Group 1 has the states that are added; `window` txids of it are readable.
class FakeCatalog final : public StateCatalog {
 public:
  explicit FakeCatalog(uint64_t window = 4) : timeline_(GroupId(1), window), other_(GroupId(2), 1) {
    timeline_.Start(TxId(0), Attempt{});
    other_.Start(TxId(0), Attempt{});
  }

  template <class V>
  FakeState& Add(std::string name, std::vector<KeyField> key, GroupId group = GroupId(1)) {
    return AddState(std::move(name), std::move(key), TypeOf<V>(), group);
  }
  // The next txid of group 1, with what `write` sets.
  TxId Commit(const std::function<void(TxId)>& write = [](TxId) {});
  GroupTimeline& timeline() { return timeline_; }

  std::vector<const ReadableState*> List() const override;
  StatusOr<const ReadableState*> Find(std::string_view name) const override;
  TxId Published(GroupId group) const override { return Of(group).published(); }
  StatusOr<Snapshot> Pin(GroupId group, const ReadAt& at) const override {
    return Snapshot::Take(Of(group), at);
  }
  StatusOr<Watch> Follow(const ReadableState& state, KeyRange range, TxId after) const override;

 private:
  GroupTimeline& Of(GroupId group) const { return group == GroupId(1) ? timeline_ : other_; }
  FakeState& AddState(std::string name, std::vector<KeyField> key, const TypeInfo& value,
                      GroupId group);

  mutable GroupTimeline timeline_;
  mutable GroupTimeline other_;
  std::vector<std::unique_ptr<FakeState>> states_;
};

template <class V>
std::string Encoded(const V& value) {
  std::string out;
  Codec<V>::Encode(value, out);
  return out;
}

// "counts", keyed by the text "word", with int64 values, as a running word count would have it.
struct WordCounts {
  explicit WordCounts(FakeCatalog& catalog)
      : state(catalog.Add<int64_t>("counts", {{"word", &TypeOf<Text>()}})), catalog_(catalog) {}
  TxId Commit(const std::map<std::string, int64_t>& counts) {
    return catalog_.Commit([&](TxId txid) {
      for (const auto& [word, count] : counts) state.Set(txid, word, Encoded(count));
    });
  }
  FakeState& state;

 private:
  FakeCatalog& catalog_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_COORDINATOR_SERVE_FAKE_CATALOG_H_
