// SPDX-License-Identifier: Apache-2.0
//
// UserMap and KindMap: a BackingMap as a state of its kind. Within a batch everything happens in
// memory. Commit writes all changes in one MultiPut, so a batch that fails before that has changed
// nothing. Source of the semantics: Trident's NonTransactionalMap, TransactionalMap and OpaqueMap
// with CachedBatchReadsMap.
#ifndef TRIDENT_TRIDENT_STATES_KIND_MAP_H_
#define TRIDENT_TRIDENT_STATES_KIND_MAP_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "trident/states/backing_map.h"
#include "trident/states/map_access.h"

namespace trident {

// One partition of a map state of any kind, typed by its values.
template <class V>
class UserMap : public State, public MapAccess<V> {
 public:
  // next(i, old) returns the value after the batch; nullopt removes the key.
  using Update = std::function<std::optional<V>(size_t i, const V* old)>;
  // Updates each key by `next`, and returns the values that the keys have then. `next` is not
  // called for a key that this txid has changed already, if the kind forbids changing it again.
  virtual StatusOr<std::vector<std::optional<V>>> MultiUpdate(
      std::span<const std::string_view> keys, const Update& next) = 0;
  // For readers: the values after the batches up to `published`, as far as the kind can tell.
  virtual StatusOr<std::vector<std::optional<V>>> ReadCommitted(
      TxId published, std::span<const std::string_view> keys) = 0;
};

template <class Stored>
class KindMap final : public UserMap<typename StoredTraits<Stored>::Value> {
 public:
  using Traits = StoredTraits<Stored>;
  using V = typename Traits::Value;
  using Values = std::vector<std::optional<V>>;
  using Keys = std::span<const std::string_view>;

  explicit KindMap(std::unique_ptr<BackingMap<Stored>> backing, CommitHistory history = {})
      : backing_(std::move(backing)), history_(std::move(history)) {}

  Status BeginCommit(TxId txid) override;
  Status Commit(TxId txid) override;
  StatusOr<Values> MultiGet(Keys keys) override;
  StatusOr<Values> MultiUpdate(Keys keys, const typename UserMap<V>::Update& next) override;
  Status MultiPut(Keys keys, std::span<const V> values) override;
  Status MultiRemove(Keys keys) override;
  StatusOr<Values> ReadCommitted(TxId published, Keys keys) override;

 private:
  struct Entry {
    std::optional<V> before;  // what the batch found
    std::optional<V> now;
    bool made_already = false;  // by an earlier attempt, whose value stands
    bool changed = false;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  CommitPoint at() const { return {txid_, &history_}; }
  StatusOr<std::vector<std::optional<Stored>>> Fetch(Keys keys);
  // Makes sure that every key has an entry.
  Status Load(Keys keys);
  // Puts back the previous values of keys that earlier attempts at this txid have written and this
  // one has not.
  Status RestoreLeftOver();

  const std::unique_ptr<BackingMap<Stored>> backing_;
  const CommitHistory history_;
  TxId txid_;  // begun last
  Entries entries_;
  std::set<std::string, std::less<>> written_;   // by attempts at txid_
  std::set<std::string, std::less<>> removing_;  // by txid_
  std::set<std::string, std::less<>> removed_;   // by the one before: their entries can go
};

template <class Stored>
Status KindMap<Stored>::BeginCommit(TxId txid) {
  if (txid < txid_) return stored_value_internal::Behind(txid, txid_);
  if (txid > txid_) {
    written_.clear();
    removed_ = std::exchange(removing_, {});
  }
  txid_ = txid;
  entries_.clear();
  return absl::OkStatus();
}

template <class Stored>
auto KindMap<Stored>::Fetch(Keys keys) -> StatusOr<std::vector<std::optional<Stored>>> {
  TRIDENT_ASSIGN_OR_RETURN(auto found, backing_->MultiGet(keys));
  if (found.size() == keys.size()) return found;
  return Internal("MultiGet was asked for ", keys.size(), " keys but gave ", found.size(),
                  " values; it must give one per key, in their order");
}

template <class Stored>
Status KindMap<Stored>::Load(Keys keys) {
  std::set<std::string_view> missing;
  for (std::string_view key : keys) {
    if (!entries_.contains(key)) missing.insert(key);
  }
  if (missing.empty()) return absl::OkStatus();
  const std::vector<std::string_view> wanted(missing.begin(), missing.end());
  TRIDENT_ASSIGN_OR_RETURN(auto found, Fetch(wanted));
  for (size_t i = 0; i < wanted.size(); ++i) {
    Entry entry;
    if (found[i].has_value()) {
      TRIDENT_ASSIGN_OR_RETURN(entry.before, Traits::Before(*found[i], at()));
      entry.made_already = Traits::IsMadeBy(*found[i], txid_);
    }
    entry.now = entry.before;
    entries_.emplace(wanted[i], std::move(entry));
  }
  return absl::OkStatus();
}

template <class Stored>
auto KindMap<Stored>::MultiGet(Keys keys) -> StatusOr<Values> {
  TRIDENT_RETURN_IF_ERROR(Load(keys));
  Values values;
  for (std::string_view key : keys) values.push_back(entries_.find(key)->second.now);
  return values;
}

template <class Stored>
auto KindMap<Stored>::MultiUpdate(Keys keys, const typename UserMap<V>::Update& next)
    -> StatusOr<Values> {
  TRIDENT_RETURN_IF_ERROR(Load(keys));
  Values values;
  for (size_t i = 0; i < keys.size(); ++i) {
    Entry& entry = entries_.find(keys[i])->second;
    if (!entry.made_already) {
      entry.now = next(i, entry.now.has_value() ? &*entry.now : nullptr);
      entry.changed = true;
    }
    values.push_back(entry.now);
  }
  return values;
}

template <class Stored>
Status KindMap<Stored>::MultiPut(Keys keys, std::span<const V> values) {
  TRIDENT_CHECK_EQ(keys.size(), values.size());
  return MultiUpdate(keys, [&](size_t i, const V*) { return std::optional<V>(values[i]); })
      .status();
}

template <class Stored>
Status KindMap<Stored>::MultiRemove(Keys keys) {
  return MultiUpdate(keys, [](size_t, const V*) { return std::optional<V>(); }).status();
}

template <class Stored>
Status KindMap<Stored>::RestoreLeftOver() {
  if (Traits::kKind != StateKind::kOpaque) return absl::OkStatus();
  std::vector<std::string_view> left;
  for (const std::string& key : written_) {
    auto entry = entries_.find(key);
    if (entry == entries_.end() || !entry->second.changed) left.push_back(key);
  }
  return MultiUpdate(left,
                     [](size_t, const V* old) {
                       return old == nullptr ? std::optional<V>() : std::optional<V>(*old);
                     })
      .status();
}

template <class Stored>
Status KindMap<Stored>::Commit(TxId txid) {
  TRIDENT_CHECK_EQ(txid, txid_) << "Commit without BeginCommit";
  TRIDENT_RETURN_IF_ERROR(RestoreLeftOver());
  std::vector<std::string_view> keys;
  std::vector<std::optional<Stored>> values;
  for (auto& [key, entry] : entries_) {
    // A key that was not there and is not there now was not removed, whatever happened in between.
    const bool is_nothing =
        !entry.before.has_value() && !entry.now.has_value() && !written_.contains(key);
    if (!entry.changed || is_nothing) continue;
    written_.insert(key);
    removed_.erase(key);
    keys.push_back(key);
    values.push_back(Traits::Make(at(), entry.before, entry.now));
    if (entry.now.has_value() || !values.back().has_value()) {
      removing_.erase(key);
    } else {
      removing_.insert(key);
    }
  }
  // The removals of the batch before have been decided since; nothing needs the entries any more.
  for (const std::string& key : removed_) {
    keys.push_back(key);
    values.push_back(std::nullopt);
  }
  if (!keys.empty()) TRIDENT_RETURN_IF_ERROR(backing_->MultiPut(keys, values));
  removed_.clear();
  return backing_->Record(txid);
}

template <class Stored>
auto KindMap<Stored>::ReadCommitted(TxId published, Keys keys) -> StatusOr<Values> {
  TRIDENT_ASSIGN_OR_RETURN(auto found, Fetch(keys));
  Values values;
  for (const std::optional<Stored>& stored : found) {
    values.push_back(stored ? Traits::At(*stored, {published, &history_}) : std::nullopt);
  }
  return values;
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STATES_KIND_MAP_H_
