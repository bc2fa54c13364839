// SPDX-License-Identifier: Apache-2.0
#include "trident/plan/expiry.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"

namespace trident {
namespace {

// Rows that a sweep reads at a time, and at least in a batch.
constexpr uint64_t kSliceRows = 512;
// The keys of a state that expire from now on get their times in few batches: so many in one.
constexpr uint64_t kFirstRows = 65'536;

Timestamp Later(const Timestamp& a, const Timestamp& b) { return a.micros < b.micros ? b : a; }

std::vector<HashedKey> Hashed(const std::vector<std::string>& keys) {
  std::vector<HashedKey> out;
  out.reserve(keys.size());
  for (const std::string& key : keys) out.push_back({key, HashBytes(key)});
  return out;
}

}  // namespace

StatusOr<MapState<Timestamp>*> AddLastWrites(StateStore& store, const StateSpec& spec) {
  StateSpec times = spec;
  times.name += kLastWriteSuffix;
  times.combiner = kLastWriteCombiner;
  times.expire_after_micros = 0;
  MapOptions<Timestamp> options;
  options.combine = &Later;
  return store.AddMap<Timestamp>(times, std::move(options));
}

Expiry::Expiry(const Site& site, KeysOf keys_of)
    : site_(site),
      keys_of_(std::move(keys_of)),
      share_(*site.times, PartitionId(site.owned.begin), PartitionId(site.owned.end)) {}

StatusOr<std::vector<std::string>> Expiry::Begin(const BatchId& id, int64_t batch_time_micros) {
  const TxId published = Published();
  while (!recent_.empty() && recent_.front().txid <= published) recent_.pop_front();
  open_.push_back({.txid = id.txid, .time = batch_time_micros, .next = next_});
  recent_.push_back({id.txid, batch_time_micros, {}, {}});
  TRIDENT_RETURN_IF_ERROR(SweepOn(id, batch_time_micros));
  return TakeDue(id, batch_time_micros);
}

Status Expiry::Wrote(const BatchId& id, std::span<const HashedKey> keys) {
  Remember(keys);
  const std::vector<Timestamp> times(keys.size(), Timestamp{open_.back().time});
  return share_.StageDelta(id.txid, id.attempt, keys, std::span<const Timestamp>(times), &Later);
}

Status Expiry::Removed(const BatchId& id, std::span<const HashedKey> keys) {
  if (sweep_.has_value() && sweep_->asks_state) {
    for (const HashedKey& key : keys) PutLengthPrefixed(recent_.back().removed, key.key);
  }
  return share_.Stage(id.txid, id.attempt, keys,
                      [](size_t, const Timestamp*) { return std::optional<Timestamp>(); });
}

void Expiry::Remember(std::span<const HashedKey> keys) {
  for (const HashedKey& key : keys) PutLengthPrefixed(recent_.back().keys, key.key);
}

uint64_t Expiry::Apply(TxId txid, Attempt attempt) {
  share_.Apply(txid, attempt);
  uint64_t gone = 0;
  for (; !open_.empty() && open_.front().txid <= txid; open_.pop_front()) {
    gone += open_.front().gone;
  }
  return gone;
}

void Expiry::Abort(TxId from) {
  for (; !open_.empty() && open_.back().txid >= from; open_.pop_back()) {
    next_ = std::min(next_, open_.back().next);
    if (!open_.back().restarts_sweep) continue;
    sweep_.reset();
    covered_ = kNothing;
  }
  while (!recent_.empty() && recent_.back().txid >= from) recent_.pop_back();
  share_.Abort(from);
}

StatusOr<bool> Expiry::HasNoTimes() const {
  for (uint32_t p = site_.owned.begin; p < site_.owned.end; ++p) {
    for (KeyRange rest = KeyRange::All();;) {
      auto page = site_.times->partition(PartitionId(p)).Scan(Published(), rest, {.rows = 1});
      if (absl::IsOutOfRange(page.status())) continue;  // a batch was published meanwhile
      TRIDENT_RETURN_IF_ERROR(page.status());
      if (!page->rows.empty()) return false;
      if (!page->resume.has_value()) break;
      rest.begin = *std::move(page->resume);
    }
  }
  return true;
}

Status Expiry::SweepOn(const BatchId& id, int64_t now) {
  const int64_t due = now - after();
  const int64_t step = after() / kSweeps;
  uint64_t rows_least = kSliceRows;
  if (covered_ == kNothing) {
    TRIDENT_ASSIGN_OR_RETURN(const bool first, HasNoTimes());
    BeginSweep(now);
    sweep_->asks_state = true;
    // Then nothing is due before what was written of late, and what the sweep gives a time.
    if (first) covered_ = recent_.front().time - 1;
    if (first) rows_least = kFirstRows;
  }
  for (;;) {
    const bool too_late = sweep_.has_value() && sweep_->horizon < due && due > covered_;
    if (too_late || (!sweep_.has_value() && due > covered_ - step)) BeginSweep(now);
    if (!sweep_.has_value()) return absl::OkStatus();
    // Halfway through its time it should have ended.
    const double part = 2.0 * static_cast<double>(now - sweep_->begun) / static_cast<double>(step);
    const auto wanted =
        static_cast<uint64_t>(std::min(part, 1.0) * static_cast<double>(sweep_->rows_expected));
    const uint64_t until = std::max(wanted, sweep_->rows + rows_least);
    while (sweep_.has_value() && (due > covered_ || sweep_->rows < until)) {
      TRIDENT_RETURN_IF_ERROR(SweepSlice(id));
    }
    if (due <= covered_) return absl::OkStatus();
  }
}

void Expiry::BeginSweep(int64_t now) {
  const bool asks_state = sweep_.has_value() && sweep_->asks_state;
  sweep_ = Sweep{.begun = now,
                 .horizon = now - after() + 2 * (after() / kSweeps),
                 .asks_state = asks_state,
                 .partition = site_.owned.begin};
  sweep_->rows_expected =
      site_.state->ApproximateKeys() * site_.owned.size() / std::max(1u, spec().partitions);
  // Later batches write later than the horizon, and what is older than these is committed.
  for (const Recent& batch : recent_) {
    if (batch.time > sweep_->horizon) break;
    for (ByteReader in(batch.keys); !in.done();) {
      sweep_->found.push_back({batch.time, std::string(in.LengthPrefixed())});
    }
  }
}

Status Expiry::SweepSlice(const BatchId& id) {
  const PartitionId partition(sweep_->partition);
  const TxId at = Published();
  auto page = site_.times->partition(partition).Scan(at, {.begin = sweep_->from, .end = {}},
                                                     {.rows = kSliceRows});
  Status read = page.status();
  std::vector<std::string> without_time;
  if (read.ok() && sweep_->asks_state) {
    read = FindWithoutTime(partition, at, *page, without_time);
  }
  if (absl::IsOutOfRange(read)) return absl::OkStatus();  // later txids came: once more
  TRIDENT_RETURN_IF_ERROR(read);

  sweep_->rows += page->rows.size() + without_time.size() + 1;
  for (auto& [key, time] : page->rows) {
    if (time.micros <= sweep_->horizon) sweep_->found.push_back({time.micros, std::move(key)});
  }
  if (!without_time.empty()) TRIDENT_RETURN_IF_ERROR(AddTimes(id, without_time));
  if (page->resume.has_value()) {
    sweep_->from = *std::move(page->resume);
    return absl::OkStatus();
  }
  sweep_->from.clear();
  if (++sweep_->partition == site_.owned.end) EndSweep();
  return absl::OkStatus();
}

Status Expiry::FindWithoutTime(PartitionId partition, TxId at, PartitionPage<Timestamp>& page,
                               std::vector<std::string>& found) {
  const KeyRange range{.begin = sweep_->from, .end = page.resume.value_or(std::string())};
  TRIDENT_ASSIGN_OR_RETURN(Page keys, keys_of_(partition, at, range, {.rows = kSliceRows}));
  const auto is_before = [](const auto& row, const std::string& key) { return row.first < key; };
  if (keys.resume.has_value()) {
    const auto end = std::lower_bound(page.rows.begin(), page.rows.end(), *keys.resume, is_before);
    page.rows.erase(end, page.rows.end());
    page.resume = *std::move(keys.resume);
  }
  if (keys.keys.empty()) return absl::OkStatus();
  std::unordered_set<std::string_view> removed;
  for (const Recent& batch : recent_) {
    for (ByteReader in(batch.removed); !in.done();) removed.insert(in.LengthPrefixed());
  }
  for (std::string& key : keys.keys) {
    if (removed.contains(key)) {
      open_.back().restarts_sweep = true;
      continue;
    }
    const auto row = std::lower_bound(page.rows.begin(), page.rows.end(), key, is_before);
    if (row == page.rows.end() || row->first != key) found.push_back(std::move(key));
  }
  return absl::OkStatus();
}

void Expiry::EndSweep() {
  due_ = std::move(sweep_->found);
  std::sort(due_.begin(), due_.end());
  covered_ = std::max(covered_, sweep_->horizon);
  sweep_.reset();
  // Some of the first ones may be gone in batches that are not committed yet. That shows.
  next_ = 0;
  for (Open& batch : open_) batch.next = 0;
}

Status Expiry::AddTimes(const BatchId& id, const std::vector<std::string>& keys) {
  const std::vector<HashedKey> hashed = Hashed(keys);
  Remember(hashed);
  open_.back().restarts_sweep = true;
  const Timestamp now{open_.back().time};
  // A batch before this one, which is not committed yet, may have given it one.
  return share_.Stage(id.txid, id.attempt, hashed,
                      [&](size_t, const Timestamp* time) { return time != nullptr ? *time : now; });
}

StatusOr<std::vector<std::string>> Expiry::TakeDue(const BatchId& id, int64_t now) {
  const int64_t due = now - after();
  std::vector<HashedKey> candidates;
  for (; next_ < due_.size() && due_[next_].time <= due; ++next_) {
    candidates.push_back({due_[next_].key, HashBytes(due_[next_].key)});
  }
  std::vector<std::string> gone;
  if (candidates.empty()) return gone;
  TRIDENT_RETURN_IF_ERROR(share_.ReadNewest(candidates, [&](size_t i, const Timestamp* time) {
    const bool is_due = time != nullptr && time->micros <= due;
    if (is_due) gone.emplace_back(candidates[i].key);
  }));
  std::sort(gone.begin(), gone.end());
  gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
  open_.back().gone = gone.size();
  TRIDENT_RETURN_IF_ERROR(Removed(id, Hashed(gone)));
  return gone;
}

}  // namespace trident
