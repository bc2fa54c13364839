// SPDX-License-Identifier: Apache-2.0
#include "trident/operators/grouping.h"

#include <algorithm>

#include "base/check.h"

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

Grouping::Grouping(const OperatorSite& site, const std::vector<std::string>& fields)
    : reader_(*site.input, Places(*site.input, fields, site.mode)),
      ungrouped_(fields.empty()),
      mode_(site.mode) {}

void Grouping::Begin(const BatchContext& context) {
  index_.Clear();
  arena_.Release();
  if (!ungrouped_) return;
  if (mode_ == SiteMode::kStream) {
    index_.FindOrAdd(std::string_view());
    return;
  }
  std::string key;
  for (uint32_t request = 0; request < context.requests; ++request) {
    key.clear();
    AppendKeyInt64(key, request);
    index_.FindOrAdd(std::string_view(key));
  }
}

const std::vector<uint32_t>& Grouping::Assign(const Slice& slice) {
  group_of_row_.resize(slice.rows());
  if (ungrouped_ && mode_ == SiteMode::kStream) {
    std::fill(group_of_row_.begin(), group_of_row_.end(), 0);
    return group_of_row_;
  }
  if (reader_.one_text()) {
    const std::span<const Text> values = reader_.Texts(slice);
    index_.FindOrAddAll(
        slice.rows(), [&](size_t i) { return values[slice.RowAt(i)]; }, group_of_row_.data());
    return group_of_row_;
  }
  reader_.Encode(slice, key_bytes_, key_ends_);
  const std::string_view bytes = key_bytes_;
  const auto key_at = [&](size_t i) {
    const size_t begin = i == 0 ? 0 : key_ends_[i - 1];
    return bytes.substr(begin, key_ends_[i] - begin);
  };
  index_.FindOrAddAll(slice.rows(), key_at, group_of_row_.data());
  return group_of_row_;
}

std::vector<ColumnRef> Grouping::TakeKeyColumns(const SchemaRef& output,
                                                std::shared_ptr<KeyColumn>* keys) {
  *keys = std::make_shared<KeyColumn>();
  (*keys)->keys = index_.TakeKeys();
  if (BufferRef buffer = arena_.Release()) (*keys)->retained.push_back(std::move(buffer));
  std::vector<size_t> wanted;
  for (const SchemaField& field : output->fields()) {
    for (size_t i = 0; i < reader_.fields().size(); ++i) {
      if (reader_.fields()[i].name == field.name) wanted.push_back(i);
    }
  }
  return KeyColumns(reader_.fields(), wanted, **keys);
}

Slice Grouping::Finish(const SchemaRef& output, std::vector<ColumnRef> values) {
  std::shared_ptr<KeyColumn> keys;
  std::vector<ColumnRef> columns = TakeKeyColumns(output, &keys);
  columns.insert(columns.end(), values.begin(), values.end());
  Slice result(output, std::move(columns), keys->keys.size());
  result.set_keys(std::move(keys));
  return result;
}

Slice Grouping::FinishRows(const SchemaRef& output, std::vector<ColumnRef> values,
                           const std::vector<uint32_t>& group_of_row) {
  std::shared_ptr<KeyColumn> keys;
  std::vector<ColumnRef> columns = TakeKeyColumns(output, &keys);
  for (ColumnRef& column : columns) column = column->Gather(group_of_row);
  columns.insert(columns.end(), values.begin(), values.end());
  return Slice(output, std::move(columns), group_of_row.size());
}

KeyByOperator::KeyByOperator(const OperatorSite& site, const std::vector<std::string>& fields)
    : reader_(*site.input, Places(*site.input, fields, SiteMode::kStream)), schema_(site.output) {
  for (const SchemaField& field : schema_->fields())
    kept_.push_back(*site.input->IndexOf(field.name));
}

Status KeyByOperator::Process(const Slice& slice, Output& out) {
  auto keys = std::make_shared<KeyColumn>();
  reader_.Read(slice, keys->keys, keys->retained);
  Slice keyed = slice.Project(schema_, kept_);
  keyed.set_keys(std::move(keys));
  return out.Emit(keyed);
}

}  // namespace trident
