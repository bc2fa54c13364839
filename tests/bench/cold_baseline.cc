// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cold_baseline.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace trident::bench {
namespace {

Status Checked(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : Unavailable("cold table: ", status.ToString());
}

std::string_view BytesOf(const int64_t& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
rocksdb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// A quarter for what waits to be written, the rest for blocks, filters and indexes.
rocksdb::Options OptionsFor(uint64_t memory_bytes) {
  rocksdb::BlockBasedTableOptions table;
  // One shard, or the filter of the whole table (25 MB) would find no place in any.
  table.block_cache = rocksdb::NewLRUCache(memory_bytes / 4 * 3, /*num_shard_bits=*/0);
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = memory_bytes / 8;
  options.max_write_buffer_number = 2;
  options.max_background_jobs = 2;
  options.compression = rocksdb::kLZ4Compression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

struct ColdTable::Database {
  std::unique_ptr<rocksdb::DB> db;
};

ColdTable::ColdTable(std::unique_ptr<Database> database) : database_(std::move(database)) {}
ColdTable::~ColdTable() = default;

StatusOr<std::unique_ptr<ColdTable>> ColdTable::Load(const std::string& dir,
                                                     const KeySequence& sequence,
                                                     uint64_t memory_bytes) {
  const rocksdb::Options options = OptionsFor(memory_bytes);
  rocksdb::DB* db = nullptr;
  TRIDENT_RETURN_IF_ERROR(Checked(rocksdb::DB::Open(options, dir, &db)));
  auto database = std::make_unique<Database>();
  database->db.reset(db);

  std::vector<uint64_t> numbers(sequence.keys);
  for (uint64_t row = 0; row < sequence.keys; ++row) numbers[row] = sequence.At(row);
  std::sort(numbers.begin(), numbers.end());
  const std::string file = dir + "/load.sst";
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options);
  TRIDENT_RETURN_IF_ERROR(Checked(writer.Open(file)));
  const int64_t one = 1;
  char key[kKeyBytes];
  for (uint64_t number : numbers) {
    WriteKey(number, key);
    TRIDENT_RETURN_IF_ERROR(
        Checked(writer.Put(rocksdb::Slice(key, kKeyBytes), SliceOf(BytesOf(one)))));
  }
  TRIDENT_RETURN_IF_ERROR(Checked(writer.Finish()));
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  TRIDENT_RETURN_IF_ERROR(Checked(db->IngestExternalFile({file}, ingest)));
  return std::unique_ptr<ColdTable>(new ColdTable(std::move(database)));
}

Status ColdTable::Count(const KeySequence& sequence, uint64_t first, uint64_t rows) {
  std::vector<uint64_t> numbers(rows);
  for (uint64_t i = 0; i < rows; ++i) numbers[i] = sequence.At(first + i);
  // In the order of the keys, each once with its number of rows: RocksDB likes nothing better.
  std::sort(numbers.begin(), numbers.end());
  std::vector<int64_t> added;
  size_t distinct = 0;
  for (uint64_t number : numbers) {
    if (distinct == 0 || numbers[distinct - 1] != number) {
      numbers[distinct++] = number;
      added.push_back(0);
    }
    ++added.back();
  }
  std::string letters(distinct * kKeyBytes, '\0');
  std::vector<rocksdb::Slice> keys(distinct);
  for (size_t i = 0; i < distinct; ++i) {
    char* key = letters.data() + i * kKeyBytes;
    WriteKey(numbers[i], key);
    keys[i] = rocksdb::Slice(key, kKeyBytes);
  }
  rocksdb::DB& db = *database_->db;
  // So many at a time: values pin their blocks, and more of them than the cache holds would push
  // out filter and index, to be read again for every few keys.
  constexpr size_t kTogether = 1000;
  for (size_t begin = 0; begin < distinct; begin += kTogether) {
    const size_t size = std::min(kTogether, distinct - begin);
    std::vector<rocksdb::PinnableSlice> values(size);
    std::vector<rocksdb::Status> statuses(size);
    db.MultiGet({}, db.DefaultColumnFamily(), size, &keys[begin], values.data(), statuses.data(),
                true);
    for (size_t i = 0; i < size; ++i) {
      TRIDENT_RETURN_IF_ERROR(Checked(statuses[i]));
      int64_t count = 0;
      if (values[i].size() != sizeof count) return DataLoss("cold table: a value of another size");
      std::memcpy(&count, values[i].data(), sizeof count);
      count += added[begin + i];
      TRIDENT_RETURN_IF_ERROR(Checked(db.Put({}, keys[begin + i], SliceOf(BytesOf(count)))));
    }
  }
  return Checked(db.SyncWAL());
}

}  // namespace trident::bench
