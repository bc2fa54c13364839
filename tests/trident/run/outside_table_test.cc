// SPDX-License-Identifier: Apache-2.0
//
// Tables of the program's by typed keys.
#include "trident/outside_table.h"

#include <map>
#include <stdexcept>

#include "base/mutex.h"
#include "tests/trident/run/words.h"

namespace trident {
namespace {

constexpr Field<int64_t> kYear{"year"};
constexpr Field<std::optional<Text>> kCountry{"country"};
constexpr Field<bool> kIsNew{"is_new"};

// All rows of all partitions, in memory; it fails every seventh put, as a network does.
template <class... Ks>
class SharedTable final : public KeyedTable<OpaqueValue<int64_t>, Ks...> {
 public:
  using Base = KeyedTable<OpaqueValue<int64_t>, Ks...>;
  using typename Base::Key;
  using typename Base::Row;
  struct Rows {
    Mutex mutex;
    std::map<Key, Row> rows TRIDENT_GUARDED_BY(mutex);
    int puts TRIDENT_GUARDED_BY(mutex) = 0;
  };

  explicit SharedTable(std::shared_ptr<Rows> rows) : rows_(std::move(rows)) {}

  StatusOr<std::vector<std::optional<Row>>> Get(std::span<const Key> keys) override {
    MutexLock lock(rows_->mutex);
    std::vector<std::optional<Row>> found;
    for (const Key& key : keys) {
      auto it = rows_->rows.find(key);
      found.push_back(it == rows_->rows.end() ? std::nullopt : std::optional<Row>(it->second));
    }
    return found;
  }
  Status Put(std::span<const Key> keys, std::span<const std::optional<Row>> rows) override {
    MutexLock lock(rows_->mutex);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (rows[i].has_value()) rows_->rows.insert_or_assign(keys[i], *rows[i]);
      if (!rows[i].has_value()) rows_->rows.erase(keys[i]);
    }
    if (++rows_->puts % 7 == 0) throw std::runtime_error("the connection broke after the put");
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<Rows> rows_;
};

template <class Table>
std::shared_ptr<const StateHome> Into(const std::shared_ptr<typename Table::Rows>& rows) {
  return OutsideTable<Table>([rows](const StateSlice&) { return std::make_unique<Table>(rows); });
}

TEST(OutsideTableTest, AKeyOfOneFieldIsItsValueAndEachRowCountsOnceInSpiteOfFailures) {
  using Table = SharedTable<Text>;
  auto rows = std::make_shared<Table::Rows>();
  Topology topology("words");
  auto counts =
      topology
          .NewStream("sentences", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1},
                                                        AsRows({"a b", "b", "", "c a b", "a"})))
          .Each(kSentence, Split(), kWord)
          .GroupBy(kWord)
          .PersistentAggregate({.name = "counts", .where = Into<Table>(rows)}, Count(), kCount);
  topology.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .StateQuery(counts, kWord, MapGet(), kCount)
      .Project(Fields(kWord, kCount));
  auto run = RunToEnd(topology, {.executors = 2, .retry_limit = 1000});
  ASSERT_NE(run, nullptr);
  EXPECT_GT(run->progress().at(0).failures, 0u);
  EXPECT_EQ(Answer(*run, "words", "a b c d"),
            (std::vector<std::string>{"[a, 3]", "[b, 3]", "[c, 1]"}));
  MutexLock lock(rows->mutex);
  EXPECT_EQ(rows->rows.size(), 3u);
}

TEST(OutsideTableTest, AKeyOfSeveralFieldsIsATupleWithNulls) {
  using Table = SharedTable<int64_t, std::optional<Text>, bool>;
  auto rows = std::make_shared<Table::Rows>();
  using Row = OwnedRow<int64_t, std::optional<Text>, bool>;
  Topology topology("wide");
  topology
      .NewStream("rows", FixedBatchSpout::Make(Fields(kYear, kCountry, kIsNew), {.batch_rows = 2},
                                               std::vector<Row>{{-1, "nl", true},
                                                                {2, std::nullopt, false},
                                                                {-1, "nl", true},
                                                                {2, "", false}}))
      .GroupBy(Fields(kYear, kCountry, kIsNew))
      .PersistentAggregate({.name = "counts", .where = Into<Table>(rows)}, Count(), kCount);
  ASSERT_NE(RunToEnd(topology, {.retry_limit = 1000}), nullptr);
  MutexLock lock(rows->mutex);
  std::map<Table::Key, int64_t> counts;
  for (const auto& [key, row] : rows->rows) counts[key] = row.curr.value_or(0);
  EXPECT_EQ(counts,
            (std::map<Table::Key, int64_t>{
                {{-1, "nl", true}, 2}, {{2, std::nullopt, false}, 1}, {{2, "", false}, 1}}));
}

TEST(OutsideTableTest, AStreamGroupedByOtherTypesIsRefused) {
  using Table = SharedTable<int64_t>;
  Topology topology("refused");
  topology
      .NewStream("sentences",
                 FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1}, AsRows({"a"})))
      .GroupBy(kSentence)
      .PersistentAggregate({.name = "counts", .where = Into<Table>(nullptr)}, Count(), kCount);
  const Status built = topology.Build().status();
  EXPECT_NE(Message(built).find("its keys are [int64], but the stream is grouped by [text]"),
            std::string_view::npos)
      << built;
}

}  // namespace
}  // namespace trident
