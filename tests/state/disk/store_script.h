// SPDX-License-Identifier: Apache-2.0
//
// What the disk tests let a RocksStore do: commits, folds and trims, step by step, and beside it
// plain maps that do the same. The maps, not the store, say what is right.
#ifndef TRIDENT_TESTS_STATE_DISK_STORE_SCRIPT_H_
#define TRIDENT_TESTS_STATE_DISK_STORE_SCRIPT_H_

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "state/disk/rocks_store.h"
#include "state/disk/store_layout.h"

namespace trident {

inline bool Soak() { return std::getenv("TRIDENT_SOAK") != nullptr; }

inline std::string ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
inline void WriteWholeFile(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}
inline void CopyTree(const std::string& from, const std::string& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

// Write buffers so small that a script flushes, and switches logs, many times.
inline RocksStoreOptions SmallStoreOptions(
    const std::string& dir,
    RocksStoreOptions::Access access = RocksStoreOptions::Access::kReadWrite) {
  return {.dir = dir, .access = access, .cache_bytes = 1 << 20, .write_buffer_bytes = 256 << 10};
}

using PlainTables = std::array<std::map<std::string, std::string>, kTableCount>;

// All tables as one string.
inline std::string ContentOf(const PlainTables& tables) {
  std::string content;
  for (int table = 0; table < kTableCount; ++table) {
    for (const auto& [key, value] : tables[table]) {
      content += Concat(table, ":", key, "=", value, ";");
    }
  }
  return content;
}
// Not ok where it cannot be read.
inline StatusOr<std::string> ContentOf(const DurableStore& store) {
  std::string content;
  for (int table = 0; table < kTableCount; ++table) {
    const std::unique_ptr<Cursor> cursor = store.NewCursor(static_cast<Table>(table));
    for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
      content += Concat(table, ":", cursor->key(), "=", cursor->value(), ";");
    }
    TRIDENT_RETURN_IF_ERROR(cursor->status());
  }
  return content;
}

// One call that changes the store, and what it changes.
struct StoreStep {
  std::function<Status(DurableStore&)> run;
  std::function<void(PlainTables&)> apply;
  bool is_durable;  // once it was acknowledged, it and all before it survive a loss of power
};

inline void ApplyPlainly(const WriteSet& changes, PlainTables& tables) {
  for (const WriteSet::Change& change : changes.changes()) {
    auto& table = tables[static_cast<size_t>(change.table)];
    switch (change.kind) {
      case WriteSet::Change::Kind::kPut:
        table[change.key] = change.value;
        break;
      case WriteSet::Change::Kind::kDelete:
        table.erase(change.key);
        break;
      case WriteSet::Change::Kind::kDeleteRange:
        table.erase(table.lower_bound(change.key), table.lower_bound(change.value));
        break;
      case WriteSet::Change::Kind::kAppend:
        table[change.key] += change.value;
        break;
    }
  }
}
inline StoreStep WriteStep(const WriteSet& changes, Durability durability) {
  return {[=](DurableStore& store) { return store.Write(changes, durability); },
          [=](PlainTables& tables) { ApplyPlainly(changes, tables); },
          durability == Durability::kSynced};
}

inline std::string RandomBytes(uint64_t seed, size_t bytes) {
  Rng rng(seed);
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(rng());
  return out;
}

inline constexpr char kAppended = '+';
inline bool IsAppended(const std::string& value) { return value.starts_with(kAppended); }

inline constexpr GroupId kScriptGroup{1};
inline constexpr StateId kScriptState{1};

// Redo and decision of a txid.
inline StoreStep CommitStep(TxId t, size_t redo_bytes) {
  WriteSet commit;
  commit.Put(Table::kRedo, RedoKey(kScriptGroup, t), RandomBytes(t.value(), redo_bytes));
  commit.Put(Table::kDecision, DecisionKey(kScriptGroup, t), RandomBytes(t.value(), 100));
  return WriteStep(commit, Durability::kSynced);
}
// 20 keys and the marker into the base; every fifth key, another one each time, out of it, and
// behind what another fifth has, more.
inline StoreStep FoldStep(TxId t) {
  std::map<std::string, std::optional<std::string>> rows;
  const PartitionId partition(0);
  rows[MarkerKey(kScriptState, partition)] = EncodeMarker({t, {Epoch(1), 1}, 0, 20});
  for (int i = 0; i < 20; ++i) {
    auto& value = rows[BaseKey(kScriptState, partition, Concat("key", 10 + i))];
    if ((i + t.value()) % 5 != 0) value = std::to_string(t.value());
    if ((i + t.value()) % 5 == 1) value->insert(0, 1, kAppended);
  }
  return {[rows](DurableStore& store) -> Status {
            TRIDENT_ASSIGN_OR_RETURN(const auto load, store.NewBulkLoad(Table::kBase));
            for (const auto& [key, value] : rows) {
              TRIDENT_RETURN_IF_ERROR(!value               ? load->Delete(key)
                                      : IsAppended(*value) ? load->Append(key, *value)
                                                           : load->Put(key, *value));
            }
            return load->Install();
          },
          [rows](PlainTables& tables) {
            auto& base = tables[static_cast<size_t>(Table::kBase)];
            for (const auto& [key, value] : rows) {
              if (!value || !IsAppended(*value)) base.erase(key);
              if (value) base[key] += *value;
            }
          },
          true};
}
inline StoreStep TrimStep(TxId t) {
  WriteSet trim;
  trim.DeleteRange(Table::kRedo, RedoKey(kScriptGroup, TxId(0)), RedoKey(kScriptGroup, t.Next()));
  return WriteStep(trim, Durability::kBuffered);
}
// Commits of these txids, with a fold and a trim after every second.
inline std::vector<StoreStep> CommitsAndFolds(uint64_t first, uint64_t last) {
  std::vector<StoreStep> script;
  for (TxId t(first); t <= TxId(last); t = t.Next()) {
    script.push_back(CommitStep(t, 15'000));
    if (t.value() % 2 != 0) continue;
    script.push_back(WriteStep({}, Durability::kSynced));
    script.push_back(FoldStep(t));
    script.push_back(TrimStep(t));
  }
  return script;
}

}  // namespace trident

#endif  // TRIDENT_TESTS_STATE_DISK_STORE_SCRIPT_H_
