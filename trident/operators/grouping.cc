// SPDX-License-Identifier: Apache-2.0
#include "trident/operators/grouping.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/key_encoding.h"
#include "engine/data/group_index.h"
#include "engine/data/key_reader.h"

namespace trident {
namespace {

std::vector<size_t> Places(const Schema& schema, const std::vector<std::string>& fields,
                           SiteMode mode) {
  std::vector<size_t> places;
  if (mode == SiteMode::kRequest) {
    auto request = schema.IndexOf(kRequestFieldName);
    TRIDENT_CHECK(request.has_value()) << schema.ToString();
    places.push_back(*request);
  }
  for (const std::string& field : fields) {
    auto place = schema.IndexOf(field);
    TRIDENT_CHECK(place.has_value()) << field << " in " << schema.ToString();
    places.push_back(*place);
  }
  return places;
}

}  // namespace

// ---- Grouping ----

struct Grouping::Index {
  Index(const OperatorSite& site, const std::vector<std::string>& fields)
      : reader(*site.input, Places(*site.input, fields, site.mode)),
        is_ungrouped(fields.empty()),
        mode(site.mode) {}

  std::vector<ColumnRef> TakeKeyColumns(const SchemaRef& output, std::shared_ptr<KeyColumn>* taken);

  KeyReader reader;
  const bool is_ungrouped;
  const SiteMode mode;
  TextArena arena;  // of the keys
  GroupIndex groups{&arena};
  std::vector<uint32_t> group_of_row;
  std::string key_bytes;  // of a slice, if they stand nowhere else
  std::vector<size_t> key_ends;
};

Grouping::Grouping(const OperatorSite& site, const std::vector<std::string>& fields)
    : index_(std::make_unique<Index>(site, fields)) {}
Grouping::~Grouping() = default;

size_t Grouping::size() const { return index_->groups.size(); }

void Grouping::Begin(const BatchContext& context) {
  Index& index = *index_;
  index.groups.Clear();
  index.arena.Release();
  if (!index.is_ungrouped) return;
  if (index.mode == SiteMode::kStream) {
    index.groups.FindOrAdd(std::string_view());
    return;
  }
  std::string key;
  for (uint32_t request = 0; request < context.requests; ++request) {
    key.clear();
    AppendKeyInt64(key, request);
    index.groups.FindOrAdd(std::string_view(key));
  }
}

const std::vector<uint32_t>& Grouping::Assign(const Slice& slice) {
  Index& index = *index_;
  index.group_of_row.resize(slice.rows());
  if (index.is_ungrouped && index.mode == SiteMode::kStream) {
    std::fill(index.group_of_row.begin(), index.group_of_row.end(), 0);
    return index.group_of_row;
  }
  if (index.reader.one_text()) {
    const std::span<const Text> values = index.reader.Texts(slice);
    index.groups.FindOrAddAll(
        slice.rows(), [&](size_t i) { return values[slice.RowAt(i)]; }, index.group_of_row.data());
    return index.group_of_row;
  }
  index.reader.Encode(slice, index.key_bytes, index.key_ends);
  const std::string_view bytes = index.key_bytes;
  const auto key_at = [&](size_t i) {
    const size_t begin = i == 0 ? 0 : index.key_ends[i - 1];
    return bytes.substr(begin, index.key_ends[i] - begin);
  };
  index.groups.FindOrAddAll(slice.rows(), key_at, index.group_of_row.data());
  return index.group_of_row;
}

std::vector<ColumnRef> Grouping::Index::TakeKeyColumns(const SchemaRef& output,
                                                       std::shared_ptr<KeyColumn>* taken) {
  auto keys = std::make_shared<KeyColumn>();
  keys->keys = groups.TakeKeys();
  if (BufferRef buffer = arena.Release()) keys->retained.push_back(std::move(buffer));
  *taken = keys;
  const std::span<const KeyField> fields = reader.fields();
  return ColumnsOfKeys({fields.begin(), fields.end()}, *output, *keys);
}

Slice Grouping::Finish(const SchemaRef& output, std::vector<ColumnRef> values) {
  std::shared_ptr<KeyColumn> keys;
  std::vector<ColumnRef> columns = index_->TakeKeyColumns(output, &keys);
  columns.insert(columns.end(), values.begin(), values.end());
  Slice result(output, std::move(columns), keys->keys.size());
  result.set_keys(std::move(keys));
  return result;
}

Slice Grouping::FinishRows(const SchemaRef& output, std::vector<ColumnRef> values,
                           const std::vector<uint32_t>& group_of_row) {
  std::shared_ptr<KeyColumn> keys;
  std::vector<ColumnRef> columns = index_->TakeKeyColumns(output, &keys);
  for (ColumnRef& column : columns) column = column->Gather(group_of_row);
  columns.insert(columns.end(), values.begin(), values.end());
  return Slice(output, std::move(columns), group_of_row.size());
}

// ---- KeyedSlices ----

struct KeyedSlices::Index {
  GroupIndex groups;
};

KeyedSlices::KeyedSlices() : index_(std::make_unique<Index>()) {}
KeyedSlices::~KeyedSlices() = default;

void KeyedSlices::Clear() {
  slices_.clear();
  index_->groups.Clear();
}

void KeyedSlices::Add(const std::string& step, const Slice& slice) {
  TRIDENT_CHECK(slice.keys() != nullptr) << step << ": a slice without keys";
  slices_.push_back(slice);
}

std::span<const uint32_t> KeyedSlices::Number() {
  index_->groups.Clear();
  group_of_row_.clear();
  for (const Slice& slice : slices_) {
    const ColumnVector<HashedKey>& keys = slice.keys()->keys;
    const size_t before = group_of_row_.size();
    group_of_row_.resize(before + slice.rows());
    index_->groups.FindOrAddAll(
        slice.rows(), [&](size_t i) { return keys[i]; }, group_of_row_.data() + before);
  }
  return group_of_row_;
}

std::span<const HashedKey> KeyedSlices::keys() const { return index_->groups.keys().view(); }

void KeyedSlices::SortRows() {
  const size_t groups = index_->groups.size();
  first_row_.assign(groups + 1, 0);
  for (uint32_t group : group_of_row_) ++first_row_[group + 1];
  for (size_t g = 0; g < groups; ++g) first_row_[g + 1] += first_row_[g];
  std::vector<uint32_t> next(first_row_.begin(), first_row_.end());
  rows_.resize(group_of_row_.size());
  size_t at = 0;
  for (uint32_t s = 0; s < slices_.size(); ++s) {
    const auto rows = static_cast<uint32_t>(slices_[s].rows());
    for (uint32_t i = 0; i < rows; ++i, ++at) rows_[next[group_of_row_[at]]++] = {s, i};
  }
}

std::shared_ptr<const KeyColumn> KeyedSlices::TakeKeys() {
  auto keys = std::make_shared<KeyColumn>();
  for (const Slice& slice : slices_) keys->retained.push_back(slice.keys());
  keys->keys = index_->groups.TakeKeys();
  return keys;
}

// ---- KeyLookup ----

struct KeyLookup::Reader {
  KeyReader reader;
  ColumnVector<HashedKey> keys;
  std::vector<BufferRef> buffers;
};

KeyLookup::KeyLookup(const Schema& schema, const std::vector<std::string>& fields)
    : reader_(new Reader{KeyReader(schema, Places(schema, fields, SiteMode::kStream)), {}, {}}) {}
KeyLookup::~KeyLookup() = default;

std::span<const HashedKey> KeyLookup::KeysOf(const Slice& slice) {
  reader_->keys.Clear();
  reader_->buffers.clear();
  reader_->reader.Read(slice, reader_->keys, reader_->buffers);
  return reader_->keys.view();
}

std::shared_ptr<const KeyColumn> KeyLookup::ColumnOf(const Slice& slice) {
  auto keys = std::make_shared<KeyColumn>();
  reader_->reader.Read(slice, keys->keys, keys->retained);
  return keys;
}

Status KeyByOperator::Process(const Slice& slice, Output& out) {
  Slice keyed = slice.Project(schema_, kept_);
  keyed.set_keys(keys_.ColumnOf(slice));
  return out.Emit(keyed);
}

std::vector<ColumnRef> ColumnsOfKeys(const std::vector<KeyField>& fields, const Schema& output,
                                     const KeyColumn& keys) {
  std::vector<size_t> wanted;
  for (const SchemaField& field : output.fields()) {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].name == field.name) wanted.push_back(i);
    }
  }
  return KeyColumns(fields, wanted, keys);
}

}  // namespace trident
