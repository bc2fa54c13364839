// SPDX-License-Identifier: Apache-2.0
#include "state/disk/memory_store.h"

#include <utility>

#include "base/check.h"

namespace trident {
namespace {

using Kind = WriteSet::Change::Kind;

// What was appended is condensed from this length on: some is, some is not.
constexpr size_t kCondenseBytes = 16;

void CheckWritable(const WriteSet& changes) {
  for (const WriteSet::Change& change : changes.changes()) {
    TRIDENT_CHECK(change.table != Table::kBase || change.kind == Kind::kDeleteRange)
        << "bulk loads alone put rows into the base";
    if (change.kind != Kind::kDeleteRange) continue;
    TRIDENT_CHECK(change.table != Table::kMeta) << "no ranges are deleted there";
    TRIDENT_CHECK_LT(change.key, change.value) << "a range must not be empty";
  }
}

}  // namespace

class MemoryStore::Hold {
 public:
  explicit Hold(std::shared_ptr<Content> content) : content_(std::move(content)) {
    content_->held.fetch_add(1, std::memory_order_relaxed);
  }
  // What was read before is read before the next change.
  ~Hold() { content_->held.fetch_sub(1, std::memory_order_release); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  const Map& map() const { return content_->map; }

 private:
  const std::shared_ptr<Content> content_;
};

class MemoryStore::MapCursor : public Cursor {
 public:
  MapCursor(std::shared_ptr<Content> content, std::string end)
      : hold_(std::move(content)), end_(std::move(end)), at_(hold_.map().end()) {}

  bool Valid() const override {
    return at_ != hold_.map().end() && (end_.empty() || at_->first < end_);
  }
  void Seek(std::string_view key) override { at_ = hold_.map().lower_bound(key); }
  void Next() override {
    TRIDENT_CHECK(Valid());
    ++at_;
  }
  std::string_view key() const override {
    TRIDENT_CHECK(Valid());
    return at_->first;
  }
  std::string_view value() const override {
    TRIDENT_CHECK(Valid());
    return at_->second;
  }
  Status status() const override { return {}; }

 private:
  const Hold hold_;
  const std::string end_;
  Map::const_iterator at_;
};

class MemoryStore::MapBaseView : public BaseView {
 public:
  explicit MapBaseView(std::shared_ptr<Content> content) : content_(content), hold_(content) {}
  Status MultiGet(std::span<const std::string_view> keys,
                  const std::function<void(size_t, std::string_view)>& found) const override {
    FindAll(hold_.map(), keys, found);
    return {};
  }
  std::unique_ptr<Cursor> NewCursor(const CursorOptions& options) const override {
    return std::make_unique<MapCursor>(content_, options.end);
  }

 private:
  const std::shared_ptr<Content> content_;
  const Hold hold_;
};

class MemoryStore::SortedRun : public BulkLoad {
 public:
  explicit SortedRun(MemoryStore& store) : store_(store) {}

  Status Put(std::string_view key, std::string_view value) override {
    return Add(Kind::kPut, key, value);
  }
  Status Delete(std::string_view key) override { return Add(Kind::kDelete, key, {}); }
  Status Append(std::string_view key, std::string_view bytes) override {
    return Add(Kind::kAppend, key, bytes);
  }
  uint64_t bytes() const override { return bytes_; }
  Status Install() override {
    TRIDENT_CHECK(!installed_) << "a bulk load is installed once";
    installed_ = true;
    if (run_.empty()) return {};
    return store_.Install(run_);
  }

 private:
  Status Add(Kind kind, std::string_view key, std::string_view value) {
    TRIDENT_CHECK(!installed_);
    TRIDENT_CHECK(run_.empty() || run_.back().key < key) << "keys of a bulk load must ascend";
    run_.push_back({kind, Table::kBase, std::string(key), std::string(value)});
    bytes_ += key.size() + value.size();
    return {};
  }

  MemoryStore& store_;
  std::vector<WriteSet::Change> run_;
  uint64_t bytes_ = 0;
  bool installed_ = false;
};

MemoryStore::Failure MemoryStore::Failure::DiskFull(Outcome outcome) {
  return {ResourceExhausted("memory: no space left on device"), outcome};
}
MemoryStore::Failure MemoryStore::Failure::InputOutput(Outcome outcome) {
  return {Unavailable("memory: input/output error"), outcome};
}

MemoryStore::Tables MemoryStore::EmptyTables() {
  Tables tables;
  for (std::shared_ptr<Content>& table : tables) table = std::make_shared<Content>();
  return tables;
}

const MemoryStore::Map& MemoryStore::MapOf(Table table) const {
  return tables_[static_cast<size_t>(table)]->map;
}

MemoryStore::Map& MemoryStore::MutableMapOf(Table table) {
  std::shared_ptr<Content>& content = tables_[static_cast<size_t>(table)];
  if (content->held.load(std::memory_order_acquire) > 0) {
    auto copy = std::make_shared<Content>();
    copy->map = content->map;
    content = std::move(copy);
  }
  return content->map;
}

Status MemoryStore::Write(const WriteSet& changes, Durability durability) {
  CheckWritable(changes);
  MutexLock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(Admit(changes.changes()));
  if (durability == Durability::kSynced) {
    Apply(changes.changes(), nullptr);
    unsynced_.clear();
  } else {
    Apply(changes.changes(), &unsynced_.emplace_back());
  }
  return {};
}

Status MemoryStore::Install(Changes run) {
  MutexLock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(Admit(run));
  Apply(run, nullptr);
  return {};
}

// Counts the write, and lets the script fail it.
Status MemoryStore::Admit(Changes changes) {
  TRIDENT_RETURN_IF_ERROR(death_);
  TRIDENT_RETURN_IF_ERROR(refusal_);
  ++writes_;
  if (!successes_before_failure_) return {};
  if (*successes_before_failure_ > 0) {
    --*successes_before_failure_;
    return {};
  }
  successes_before_failure_.reset();
  in_doubt_.assign(changes.begin(), changes.end());
  refusal_ = FailedPrecondition(
      "memory takes no more writes since one failed: ", Message(failure_.error), ". Open it again");
  return failure_.error;
}

void MemoryStore::Remember(Table table, std::string_view key, Undo* undo) {
  if (undo == nullptr) return;
  const Map& map = MapOf(table);
  const auto found = map.find(key);
  undo->push_back(
      {table, std::string(key), found == map.end() ? std::nullopt : std::optional(found->second)});
}

void MemoryStore::Apply(Changes changes, Undo* undo) {
  for (const WriteSet::Change& change : changes) {
    if (change.kind == Kind::kDeleteRange) {
      EraseRange(change, undo);
    } else {
      ApplyOne(change, undo);
    }
  }
}

void MemoryStore::ApplyOne(const WriteSet::Change& change, Undo* undo) {
  Remember(change.table, change.key, undo);
  Map& map = MutableMapOf(change.table);
  const auto at = map.lower_bound(change.key);
  const bool exists = at != map.end() && at->first == change.key;
  if (exists) bytes_ -= at->first.size() + at->second.size();
  if (change.kind == Kind::kDelete) {
    if (exists) map.erase(at);
    return;
  }
  std::string& value = exists ? at->second : map.emplace_hint(at, change.key, "")->second;
  if (change.kind == Kind::kAppend) {
    Append(change.key, change.value, value);
  } else {
    value = change.value;
  }
  bytes_ += change.key.size() + value.size();
}

void MemoryStore::Append(std::string_view key, std::string_view bytes, std::string& to) {
  to += bytes;
  if (condense_ == nullptr || to.size() < kCondenseBytes) return;
  std::string shorter;
  if ((*condense_)(key, to, shorter)) to = std::move(shorter);
}

void MemoryStore::EraseRange(const WriteSet::Change& change, Undo* undo) {
  Map& map = MutableMapOf(change.table);
  for (auto at = map.lower_bound(change.key); at != map.end() && at->first < change.value;) {
    Remember(change.table, at->first, undo);
    bytes_ -= at->first.size() + at->second.size();
    at = map.erase(at);
  }
}

void MemoryStore::Revert(const Undo& undo) {
  for (auto before = undo.rbegin(); before != undo.rend(); ++before) {
    const Kind kind = before->value ? Kind::kPut : Kind::kDelete;
    ApplyOne({kind, before->table, before->key, before->value.value_or("")}, nullptr);
  }
}

StatusOr<std::optional<std::string>> MemoryStore::Get(Table table, std::string_view key) const {
  MutexLock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(death_);
  const Map& map = MapOf(table);
  const auto found = map.find(key);
  if (found == map.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

Status MemoryStore::MultiGet(Table table, std::span<const std::string_view> keys,
                             const std::function<void(size_t, std::string_view)>& found) const {
  std::optional<Hold> hold;  // `found` is called without the lock
  {
    MutexLock lock(mutex_);
    TRIDENT_RETURN_IF_ERROR(death_);
    hold.emplace(tables_[static_cast<size_t>(table)]);
  }
  FindAll(hold->map(), keys, found);
  return {};
}

void MemoryStore::FindAll(const Map& map, std::span<const std::string_view> keys,
                          const std::function<void(size_t, std::string_view)>& found) {
  for (size_t i = 0; i < keys.size(); ++i) {
    TRIDENT_CHECK(i == 0 || keys[i - 1] < keys[i]) << "keys must ascend and be distinct";
    const auto at = map.find(keys[i]);
    if (at != map.end()) found(i, at->second);
  }
}

std::unique_ptr<const BaseView> MemoryStore::NewBaseView() const {
  MutexLock lock(mutex_);
  return std::make_unique<MapBaseView>(tables_[static_cast<size_t>(Table::kBase)]);
}

void MemoryStore::SetCondense(std::shared_ptr<const Condense> condense) {
  MutexLock lock(mutex_);
  condense_ = std::move(condense);
}

std::unique_ptr<Cursor> MemoryStore::NewCursor(Table table, const CursorOptions& options) const {
  MutexLock lock(mutex_);
  return std::make_unique<MapCursor>(tables_[static_cast<size_t>(table)], options.end);
}

StatusOr<std::unique_ptr<BulkLoad>> MemoryStore::NewBulkLoad(Table table) {
  TRIDENT_CHECK(table == Table::kBase) << "only the base takes bulk loads";
  TRIDENT_RETURN_IF_ERROR(Health());
  return std::make_unique<SortedRun>(*this);
}

Status MemoryStore::Health() const {
  MutexLock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(death_);
  return refusal_;
}

uint64_t MemoryStore::MemoryBytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

uint64_t MemoryStore::writes() const {
  MutexLock lock(mutex_);
  return writes_;
}

void MemoryStore::FailWriteAfter(uint64_t successes, Failure failure) {
  TRIDENT_CHECK(!failure.error.ok()) << "a failure needs an error";
  MutexLock lock(mutex_);
  successes_before_failure_ = successes;
  failure_ = std::move(failure);
}

std::unique_ptr<MemoryStore> MemoryStore::Crash(Rng& rng) {
  MutexLock lock(mutex_);
  const uint64_t kept = rng.Below(unsynced_.size() + 1);
  // What came after a lost write set is lost too, a failed one included.
  if (kept < unsynced_.size()) in_doubt_.clear();
  for (; unsynced_.size() > kept; unsynced_.pop_back()) Revert(unsynced_.back());
  std::unique_ptr<MemoryStore> heir = Bequeath(rng);
  MutexLock heir_lock(heir->mutex_);
  heir->unsynced_.clear();  // what a machine finds when it starts is on its disk
  return heir;
}

std::unique_ptr<MemoryStore> MemoryStore::Kill(Rng& rng) {
  MutexLock lock(mutex_);
  return Bequeath(rng);
}

std::unique_ptr<MemoryStore> MemoryStore::Bequeath(Rng& rng) {
  const bool chance = rng.Chance(0.5);  // drawn always: a script does not shift the sequence
  const bool applied = failure_.outcome == Failure::Outcome::kApplied ||
                       (failure_.outcome == Failure::Outcome::kEither && chance);
  // It may have reached the page cache only: a power loss after the kill can still take it.
  if (applied && !in_doubt_.empty()) Apply(in_doubt_, &unsynced_.emplace_back());
  auto heir = std::make_unique<MemoryStore>();
  {
    MutexLock lock(heir->mutex_);
    heir->tables_ = std::exchange(tables_, EmptyTables());
    heir->unsynced_ = std::exchange(unsynced_, {});
    heir->bytes_ = std::exchange(bytes_, 0);
  }
  in_doubt_.clear();
  death_ = Aborted("the process that held this memory store is gone");
  return heir;
}

}  // namespace trident
