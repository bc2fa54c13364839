// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/serve/fake_catalog.h"

#include <utility>

namespace trident {

void FakeState::Set(TxId txid, const std::string& key, std::optional<std::string> value) {
  MutexLock lock(mutex_);
  keys_[key][txid] = std::move(value);
}

std::optional<std::string> FakeState::VersionAt(const Versions& versions, TxId at) {
  auto after = versions.upper_bound(at);
  return after == versions.begin() ? std::nullopt : std::prev(after)->second;
}

StatusOr<std::optional<std::string>> FakeState::Get(TxId at, std::string_view key) const {
  if (before_read) before_read();
  TRIDENT_RETURN_IF_ERROR(timeline_.CheckReadable(at));
  MutexLock lock(mutex_);
  if (const auto bad = unreadable_.find(key); bad != unreadable_.end()) return bad->second;
  auto found = keys_.find(key);
  return found == keys_.end() ? std::nullopt : VersionAt(found->second, at);
}

StatusOr<ReadableState::Answers> FakeState::MultiGet(TxId at,
                                                     std::span<const std::string_view> keys) const {
  Answers out;
  for (std::string_view key : keys) {
    out.push_back(Get(at, key));
    const StatusCode code = out.back().status().code();
    if (code != StatusCode::kOk && code != StatusCode::kAborted) return out.back().status();
  }
  return out;
}

StatusOr<StatePage> FakeState::Scan(TxId at, const KeyRange& range, PageLimits limits) const {
  if (before_read) before_read();
  TRIDENT_RETURN_IF_ERROR(timeline_.CheckReadable(at));
  MutexLock lock(mutex_);
  StatePage page;
  uint64_t bytes = 0, looked_at = 0;
  for (auto it = keys_.lower_bound(range.begin); it != keys_.end() && range.Contains(it->first);
       ++it) {
    const bool full = page.rows.size() >= limits.rows || bytes >= limits.bytes;
    if (full || looked_at++ >= rows_looked_at_max) {
      page.resume = it->first;
      break;
    }
    std::optional<std::string> value = VersionAt(it->second, at);
    if (!value) continue;
    bytes += it->first.size() + value->size();
    if (const auto bad = unreadable_.find(it->first); bad != unreadable_.end()) {
      page.rows.push_back({it->first, {}, bad->second});
      continue;
    }
    page.rows.push_back({it->first, *std::move(value)});
  }
  return page;
}

StatusOr<std::vector<StateChange>> FakeState::ChangesOf(TxId at, const KeyRange& range) const {
  TRIDENT_RETURN_IF_ERROR(timeline_.CheckReadable(at));
  MutexLock lock(mutex_);
  std::vector<StateChange> out;
  for (const auto& [key, versions] : keys_) {
    if (auto found = versions.find(at); found != versions.end() && range.Contains(key)) {
      const auto bad = unreadable_.find(key);
      out.push_back({key, found->second, bad == unreadable_.end() ? Status() : bad->second});
    }
  }
  return out;
}

void FakeState::MakeUnreadable(const std::string& key, const Status& why) {
  MutexLock lock(mutex_);
  unreadable_[key] = why;
}

uint64_t FakeState::UnreadableKeys() const {
  MutexLock lock(mutex_);
  return unreadable_.size();
}

uint64_t FakeState::ApproximateKeys() const {
  MutexLock lock(mutex_);
  return keys_.size();
}

TxId FakeCatalog::Commit(const std::function<void(TxId)>& write) {
  const TxId txid = timeline_.published().Next();
  write(txid);
  timeline_.Publish(txid, Attempt{Epoch(1), 1});
  return txid;
}

std::vector<const ReadableState*> FakeCatalog::List() const {
  std::vector<const ReadableState*> out;
  for (const auto& state : states_) out.push_back(state.get());
  return out;
}

StatusOr<const ReadableState*> FakeCatalog::Find(std::string_view name) const {
  for (const auto& state : states_) {
    if (state->info().spec.name == name) return state.get();
  }
  return NotFound("no such state");
}

StatusOr<Watch> FakeCatalog::Follow(const ReadableState& state, KeyRange range, TxId after) const {
  GroupTimeline& timeline = Of(state.info().spec.group);
  TRIDENT_ASSIGN_OR_RETURN(Snapshot position, Snapshot::Take(timeline, ReadAt::Exactly(after)));
  return Watch(*this, state, std::move(range), std::move(position));
}

FakeState& FakeCatalog::AddState(std::string name, std::vector<KeyField> key, const TypeInfo& value,
                                 GroupId group) {
  StateInfo info{
      .id = StateId(static_cast<uint32_t>(states_.size())), .spec = {}, .value_type = &value};
  info.spec.name = std::move(name);
  info.spec.group = group;
  info.spec.key_fields = std::move(key);
  states_.push_back(std::make_unique<FakeState>(std::move(info), Of(group)));
  return *states_.back();
}

}  // namespace trident
