// SPDX-License-Identifier: Apache-2.0
#include "trident/operators/grouping.h"

#include <algorithm>

#include "base/check.h"

namespace trident {
namespace {

// So many rows ahead a slot is fetched: about the time that one takes from memory.
constexpr size_t kPrefetchAhead = 8;

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

Grouping::Grouping(const OperatorSite& site, const std::vector<std::string>& fields)
    : reader_(*site.input, Places(*site.input, fields, site.mode)),
      ungrouped_(fields.empty()),
      mode_(site.mode) {}

void Grouping::AddKey(std::string_view key) {
  std::string_view kept = arena_.Copy(key);
  index_.FindOrAdd({kept, HashBytes(kept)});
}

void Grouping::Begin(const BatchContext& context) {
  index_.Clear();
  retained_.clear();
  arena_.Release();
  if (!ungrouped_) return;
  if (mode_ == SiteMode::kStream) {
    AddKey("");
    return;
  }
  std::string key;
  for (uint32_t request = 0; request < context.requests; ++request) {
    key.clear();
    AppendKeyInt64(key, request);
    AddKey(key);
  }
}

const std::vector<uint32_t>& Grouping::Assign(const Batch& slice) {
  group_of_row_.resize(slice.rows());
  if (ungrouped_ && mode_ == SiteMode::kStream) {
    std::fill(group_of_row_.begin(), group_of_row_.end(), 0);
    return group_of_row_;
  }
  if (reader_.one_text()) {
    AssignTexts(slice);
    return group_of_row_;
  }
  slice_keys_.Clear();
  reader_.Read(slice, slice_keys_, retained_);
  const HashedKey* keys = slice_keys_.data();
  const size_t rows = slice_keys_.size();
  for (size_t i = 0; i < rows; ++i) {
    if (i + kPrefetchAhead < rows) index_.Prefetch(keys[i + kPrefetchAhead].hash);
    group_of_row_[i] = index_.FindOrAdd(keys[i]);
  }
  return group_of_row_;
}

// The hashes of the next rows stand in a ring; to write all of them down first costs the cache.
void Grouping::AssignTexts(const Batch& slice) {
  const std::span<const Text> values = reader_.Texts(slice, retained_);
  const size_t rows = slice.rows();
  uint64_t ring[kPrefetchAhead];
  const auto hash_row = [&](size_t i) {
    const uint64_t hash = HashBytes(values[slice.RowAt(i)]);
    index_.Prefetch(hash);
    ring[i % kPrefetchAhead] = hash;
  };
  for (size_t i = 0; i < std::min(kPrefetchAhead, rows); ++i) hash_row(i);
  for (size_t i = 0; i < rows; ++i) {
    const HashedKey key{values[slice.RowAt(i)], ring[i % kPrefetchAhead]};
    if (i + kPrefetchAhead < rows) hash_row(i + kPrefetchAhead);
    group_of_row_[i] = index_.FindOrAdd(key);
  }
}

std::vector<ColumnRef> Grouping::TakeKeyColumns(const SchemaRef& output,
                                                std::shared_ptr<KeyColumn>* keys) {
  *keys = std::make_shared<KeyColumn>();
  (*keys)->keys = index_.TakeKeys();
  (*keys)->retained = std::move(retained_);
  if (BufferRef buffer = arena_.Release()) (*keys)->retained.push_back(std::move(buffer));
  retained_.clear();
  std::vector<size_t> wanted;
  for (const SchemaField& field : output->fields()) {
    for (size_t i = 0; i < reader_.fields().size(); ++i) {
      if (reader_.fields()[i].name == field.name) wanted.push_back(i);
    }
  }
  return KeyColumns(reader_.fields(), wanted, **keys);
}

Batch Grouping::Finish(const SchemaRef& output, std::vector<ColumnRef> values) {
  std::shared_ptr<KeyColumn> keys;
  std::vector<ColumnRef> columns = TakeKeyColumns(output, &keys);
  columns.insert(columns.end(), values.begin(), values.end());
  Batch result(output, std::move(columns), keys->keys.size());
  result.set_keys(std::move(keys));
  return result;
}

Batch Grouping::FinishRows(const SchemaRef& output, std::vector<ColumnRef> values,
                           const std::vector<uint32_t>& group_of_row) {
  std::shared_ptr<KeyColumn> keys;
  std::vector<ColumnRef> columns = TakeKeyColumns(output, &keys);
  for (ColumnRef& column : columns) column = column->Gather(group_of_row);
  columns.insert(columns.end(), values.begin(), values.end());
  return Batch(output, std::move(columns), group_of_row.size());
}

KeyByOperator::KeyByOperator(const OperatorSite& site, const std::vector<std::string>& fields)
    : reader_(*site.input, Places(*site.input, fields, SiteMode::kStream)), schema_(site.output) {
  for (const SchemaField& field : schema_->fields())
    kept_.push_back(*site.input->IndexOf(field.name));
}

Status KeyByOperator::Process(const Batch& slice, Output& out) {
  auto keys = std::make_shared<KeyColumn>();
  reader_.Read(slice, keys->keys, keys->retained);
  Batch keyed = slice.Project(schema_, kept_);
  keyed.set_keys(std::move(keys));
  return out.Emit(keyed);
}

}  // namespace trident
