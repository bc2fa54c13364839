// SPDX-License-Identifier: Apache-2.0
//
// What every DurableStore promises, held against each of them: compared with plain maps over random
// calls, and the promises of the header one by one.
#include "state/disk/durable_store.h"

#include <array>
#include <cctype>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "state/disk/memory_store.h"
#include "state/disk/rocks_store.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

// Opens stores of one kind, and the same content again.
class StoreMaker {
 public:
  virtual ~StoreMaker() = default;
  virtual std::unique_ptr<DurableStore> Make() = 0;
  // As after the process was killed.
  virtual std::unique_ptr<DurableStore> Reopen(std::unique_ptr<DurableStore> store) = 0;
};

class MemoryMaker : public StoreMaker {
 public:
  std::unique_ptr<DurableStore> Make() override { return std::make_unique<MemoryStore>(); }
  std::unique_ptr<DurableStore> Reopen(std::unique_ptr<DurableStore> store) override {
    Rng rng(1);
    return static_cast<MemoryStore&>(*store).Kill(rng);
  }
};

class RocksMaker : public StoreMaker {
 public:
  std::unique_ptr<DurableStore> Make() override { return Open(); }
  std::unique_ptr<DurableStore> Reopen(std::unique_ptr<DurableStore> store) override {
    store.reset();
    return Open();
  }

 private:
  std::unique_ptr<DurableStore> Open() {
    StatusOr<std::unique_ptr<RocksStore>> store = RocksStore::Open({.dir = dir_.path()});
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  TempDir dir_;
};

class DurableStoreTest : public testing::TestWithParam<const char*> {
 protected:
  DurableStoreTest() {
    if (std::string_view(GetParam()) == "Memory") {
      maker_ = std::make_unique<MemoryMaker>();
    } else {
      maker_ = std::make_unique<RocksMaker>();
    }
    store_ = maker_->Make();
  }
  void Reopen() { store_ = maker_->Reopen(std::move(store_)); }

  void Put(Table table, std::string key, std::string value) {
    WriteSet changes;
    changes.Put(table, std::move(key), std::move(value));
    ASSERT_TRUE(store_->Write(changes, Durability::kBuffered).ok());
  }
  // nullopt deletes; a value that begins with '+' is appended.
  void Load(const std::map<std::string, std::optional<std::string>>& run) {
    std::unique_ptr<BulkLoad> load = store_->NewBulkLoad(Table::kBase).value();
    for (const auto& [key, value] : run) {
      if (value && value->starts_with('+')) {
        ASSERT_TRUE(load->Append(key, *value).ok());
      } else {
        ASSERT_TRUE((value ? load->Put(key, *value) : load->Delete(key)).ok());
      }
    }
    const Status installed = load->Install();
    ASSERT_TRUE(installed.ok()) << installed;
  }
  using Rows = std::vector<std::pair<std::string, std::string>>;
  static Rows From(std::string_view from, Cursor& cursor) {
    Rows rows;
    for (cursor.Seek(from); cursor.Valid(); cursor.Next()) {
      rows.emplace_back(cursor.key(), cursor.value());
    }
    EXPECT_TRUE(cursor.status().ok()) << cursor.status();
    return rows;
  }
  Rows Scan(Table table, const CursorOptions& options = {}, std::string_view from = "") {
    return From(from, *store_->NewCursor(table, options));
  }
  // All of it; each key is also found by itself.
  static Rows In(const BaseView& view) {
    Rows rows = From("", *view.NewCursor({}));
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : rows) keys.push_back(key);
    size_t found = 0;
    const Status read = view.MultiGet(keys, [&](size_t i, std::string_view value) {
      EXPECT_EQ(value, rows[i].second);
      ++found;
    });
    EXPECT_TRUE(read.ok() && found == rows.size()) << read;
    return rows;
  }

  std::unique_ptr<StoreMaker> maker_;
  std::unique_ptr<DurableStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Each, DurableStoreTest, testing::Values("Memory", "Rocks"),
                         [](const auto& info) { return std::string(info.param); });

// Random calls against plain maps.
class Model {
 public:
  using Map = std::map<std::string, std::string>;
  Map& operator[](Table table) { return maps_[static_cast<size_t>(table)]; }

  void Apply(const WriteSet& changes) {
    using Kind = WriteSet::Change::Kind;
    for (const WriteSet::Change& change : changes.changes()) {
      Map& map = (*this)[change.table];
      if (change.kind == Kind::kPut) map[change.key] = change.value;
      if (change.kind == Kind::kDelete) map.erase(change.key);
      if (change.kind == Kind::kDeleteRange) {
        map.erase(map.lower_bound(change.key), map.lower_bound(change.value));
      }
    }
  }

 private:
  std::array<Map, kTableCount> maps_;
};

std::string RandomKey(Rng& rng) {
  std::string key(1 + rng.Below(2), ' ');
  for (char& c : key) c = "\x00\x01k\xff"[rng.Below(4)];
  return key;
}

WriteSet RandomChanges(Rng& rng) {
  WriteSet changes;
  for (uint64_t n = rng.Below(6); n > 0; --n) {
    const auto table = static_cast<Table>(rng.Below(3));
    std::string key = RandomKey(rng);
    switch (rng.Below(4)) {
      case 3:
        if (rng.Chance(0.1)) {
          changes.DeleteRange(Table::kBase, key, key + RandomKey(rng));
          break;
        }
        [[fallthrough]];
      case 2:
        changes.Put(table, std::move(key), std::to_string(rng()));
        break;
      case 0:
        changes.Delete(table, std::move(key));
        break;
      case 1:
        if (table != Table::kMeta) {
          changes.DeleteRange(table, key, key + RandomKey(rng));
          break;
        }
        [[fallthrough]];
      default:
        changes.Put(table, std::move(key), std::to_string(rng()));
    }
  }
  return changes;
}

TEST_P(DurableStoreTest, AnswersAsPlainMapsDoOverRandomCalls) {
  Rng rng(1);
  Model model;
  Model::Map viewed;
  std::unique_ptr<const BaseView> view;  // goes before the store that it is of
  for (int round = 0; round < 400; ++round) {
    const WriteSet changes = RandomChanges(rng);
    ASSERT_TRUE(
        store_->Write(changes, rng.Chance(0.1) ? Durability::kSynced : Durability::kBuffered).ok());
    model.Apply(changes);
    if (rng.Chance(0.2)) {
      std::map<std::string, std::optional<std::string>> run;
      for (uint64_t n = rng.Below(8); n > 0; --n) {
        std::optional<std::string>& value = run[RandomKey(rng)];
        const uint64_t die = rng.Below(10);
        if (die < 7) value = (die < 3 ? "" : "+") + std::to_string(rng());
      }
      if (rng.Chance(0.3)) {
        view = store_->NewBaseView();
        viewed = model[Table::kBase];
      }
      Load(run);
      for (const auto& [key, value] : run) {
        std::string& there = model[Table::kBase][key];
        if (value) there = value->starts_with('+') ? there + *value : *value;
        if (!value) model[Table::kBase].erase(key);
      }
    }
    if (view != nullptr) {
      ASSERT_EQ(In(*view), Rows(viewed.begin(), viewed.end())) << "round " << round;
    }
    if (rng.Chance(0.02)) {
      view = nullptr;
      Reopen();
    }
    const auto table = static_cast<Table>(rng.Below(kTableCount));
    const Model::Map& expected = model[table];
    ASSERT_EQ(Scan(table), Rows(expected.begin(), expected.end())) << "round " << round;
    const std::string key = RandomKey(rng);
    const auto found = expected.find(key);
    ASSERT_EQ(store_->Get(table, key).value(),
              found == expected.end() ? std::nullopt : std::optional(found->second));
  }
}

TEST_P(DurableStoreTest, MultiGetFindsWhatThereIsAndNothingElse) {
  std::map<std::string, std::optional<std::string>> run;
  for (int i = 0; i < 2'000; i += 2) run["k" + std::to_string(10'000 + i)] = std::to_string(i);
  Load(run);
  std::vector<std::string> keys;
  for (int i = 0; i < 2'000; i += 3) keys.push_back("k" + std::to_string(10'000 + i));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::map<size_t, std::string> found;
  ASSERT_TRUE(store_
                  ->MultiGet(Table::kBase, views,
                             [&](size_t i, std::string_view value) {
                               EXPECT_TRUE(found.emplace(i, value).second) << "told once";
                             })
                  .ok());
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(found.contains(i), i % 2 == 0);
    if (i % 2 == 0) {
      EXPECT_EQ(found[i], std::to_string(i * 3));
    }
  }
  EXPECT_TRUE(store_->MultiGet(Table::kBase, {}, [](size_t, std::string_view) { FAIL(); }).ok());
}

TEST_P(DurableStoreTest, ACursorSeesTheTableAsItWas) {
  Put(Table::kMeta, "a", "1");
  Load({{"a", "1"}, {"b", "1"}});
  const std::unique_ptr<Cursor> meta = store_->NewCursor(Table::kMeta);
  const std::unique_ptr<Cursor> base = store_->NewCursor(Table::kBase);
  EXPECT_FALSE(meta->Valid()) << "stands nowhere before the first Seek";
  Put(Table::kMeta, "a", "2");
  Put(Table::kMeta, "b", "2");
  Load({{"a", "2"}, {"b", std::nullopt}, {"c", "2"}});
  meta->Seek("");
  ASSERT_TRUE(meta->Valid());
  EXPECT_EQ(meta->value(), "1");
  meta->Next();
  EXPECT_FALSE(meta->Valid());
  base->Seek("b");
  ASSERT_TRUE(base->Valid());
  EXPECT_EQ(base->key(), "b");
  base->Next();
  EXPECT_FALSE(base->Valid());
  EXPECT_EQ(Scan(Table::kBase), (Rows{{"a", "2"}, {"c", "2"}}));
}

TEST_P(DurableStoreTest, ACursorEndsBeforeItsEnd) {
  Load({{"a", "1"}, {"b", "2"}, {"b\xff", "3"}, {"c", "4"}});
  for (auto pattern : {CursorOptions::Pattern::kSeeks, CursorOptions::Pattern::kScan}) {
    EXPECT_EQ(Scan(Table::kBase, {.end = "c", .pattern = pattern}, "b"),
              (Rows{{"b", "2"}, {"b\xff", "3"}}));
    EXPECT_EQ(Scan(Table::kBase, {.end = "", .pattern = pattern}, "bb").size(), 2u);
    EXPECT_TRUE(Scan(Table::kBase, {.end = "a", .pattern = pattern}).empty());
  }
}

TEST_P(DurableStoreTest, AWriteSetIsOrderedWithinItself) {
  WriteSet changes;
  changes.Put(Table::kRedo, "a", "1");
  changes.Delete(Table::kRedo, "a");
  changes.Put(Table::kRedo, "b", "1");
  changes.DeleteRange(Table::kRedo, "a", "c");
  changes.Put(Table::kRedo, "b", "2");
  changes.Put(Table::kDecision, "b", "d");
  ASSERT_TRUE(store_->Write(changes, Durability::kSynced).ok());
  EXPECT_EQ(Scan(Table::kRedo), (Rows{{"b", "2"}}));
  EXPECT_EQ(Scan(Table::kDecision), (Rows{{"b", "d"}}));
}

TEST_P(DurableStoreTest, AnEmptyWriteAndAnEmptyBulkLoadChangeNothing) {
  EXPECT_TRUE(store_->Write({}, Durability::kBuffered).ok());
  Put(Table::kMeta, "a", "1");
  EXPECT_TRUE(store_->Write({}, Durability::kSynced).ok());
  Load({});
  EXPECT_EQ(Scan(Table::kMeta).size(), 1u);
  EXPECT_TRUE(Scan(Table::kBase).empty());
}

TEST_P(DurableStoreTest, ABulkLoadThatIsDroppedLeavesNoTrace) {
  {
    std::unique_ptr<BulkLoad> load = store_->NewBulkLoad(Table::kBase).value();
    ASSERT_TRUE(load->Put("a", "value").ok());
    EXPECT_EQ(load->bytes(), 6u);
  }
  EXPECT_TRUE(Scan(Table::kBase).empty());
}

TEST_P(DurableStoreTest, TheLaterInstallWinsWhicheverBeganFirst) {
  std::unique_ptr<BulkLoad> first = store_->NewBulkLoad(Table::kBase).value();
  std::unique_ptr<BulkLoad> second = store_->NewBulkLoad(Table::kBase).value();
  ASSERT_TRUE(first->Put("a", "first").ok());
  ASSERT_TRUE(second->Put("a", "second").ok());
  ASSERT_TRUE(second->Install().ok());
  ASSERT_TRUE(first->Install().ok());
  EXPECT_EQ(store_->Get(Table::kBase, "a").value(), "first");
}

// Runs of appended letters become one, in upper case, behind what is so already.
TEST_P(DurableStoreTest, WhatIsAppendedStandsBehindWhatThereIsAndMayBeCondensed) {
  const auto condensed = [](std::string_view values) {
    std::string out(values);
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
  };
  Load({{"a", "put "}, {"b", "put "}});
  for (int pass = 0; pass < 30; ++pass) {
    if (pass == 10) {
      store_->SetCondense(std::make_shared<const Condense>(
          [&](std::string_view key, std::string_view values, std::string& out) {
            out = condensed(values);
            return key != "b";
          }));
    }
    const std::string bytes = Concat("+", pass, "x ");
    Load({{"a", bytes}, {"b", bytes}, {"c", bytes}});
    if (pass == 5 || pass == 25) Reopen();
  }
  std::string appended;
  for (int pass = 0; pass < 30; ++pass) appended += Concat("+", pass, "x ");
  EXPECT_EQ(condensed(store_->Get(Table::kBase, "a").value().value()),
            condensed("put " + appended));
  EXPECT_EQ(store_->Get(Table::kBase, "b").value(), "put " + appended) << "it cannot be";
  EXPECT_EQ(condensed(store_->Get(Table::kBase, "c").value().value()), condensed(appended));
  EXPECT_EQ(Scan(Table::kBase).size(), 3u);
}

TEST_P(DurableStoreTest, LargeAndEmptyValuesReturn) {
  const std::string large(5'000'000, 'x');
  Put(Table::kRedo, "large", large);
  Put(Table::kMeta, "", "the empty key");
  Put(Table::kMeta, "empty", "");
  Load({{"", "the empty key"}, {"empty", ""}, {"large", large}});
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(store_->Get(Table::kRedo, "large").value(), large);
    EXPECT_EQ(store_->Get(Table::kMeta, "").value(), "the empty key");
    EXPECT_EQ(store_->Get(Table::kMeta, "empty").value(), "");
    EXPECT_EQ(store_->Get(Table::kBase, "large").value(), large);
    EXPECT_EQ(store_->Get(Table::kBase, "").value(), "the empty key");
    Reopen();
  }
}

TEST_P(DurableStoreTest, ReadersAndWritersDoNotDisturbEachOther) {
  constexpr int kWrites = 300;
  std::thread writer([&] {
    for (int i = 0; i < kWrites; ++i) {
      WriteSet both;
      both.Put(Table::kRedo, "k", std::to_string(i));
      both.Put(Table::kDecision, "k", std::to_string(i));
      ASSERT_TRUE(store_->Write(both, Durability::kBuffered).ok());
      if (i % 10 == 0) Load({{"k", std::to_string(i)}});
    }
  });
  int last = 0;
  while (last < kWrites - 1) {
    const int decided = std::stoi(store_->Get(Table::kDecision, "k").value().value_or("0"));
    const int redo = std::stoi(store_->Get(Table::kRedo, "k").value().value_or("0"));
    ASSERT_GE(decided, last);
    ASSERT_GE(redo, decided) << "read later, so never older";
    const Rows base = Scan(Table::kBase);
    ASSERT_LE(base.size(), 1u);
    last = decided;
  }
  writer.join();
}

}  // namespace
}  // namespace trident
