// SPDX-License-Identifier: Apache-2.0
#include "trident/functions/row_function.h"

#include "base/check.h"
#include "base/work_mark.h"

namespace trident::row_internal {
namespace {

// Longer rows are cut in messages.
constexpr size_t kRowTextMax = 400;

}  // namespace

std::vector<size_t> Locate(const Schema& schema, const std::vector<SchemaField>& fields) {
  std::vector<size_t> indices;
  for (const SchemaField& field : fields) {
    StatusOr<size_t> index = schema.Find(field);
    TRIDENT_CHECK_OK(index);
    indices.push_back(*index);
  }
  return indices;
}

std::atomic<uint64_t>& RowAtHand() { return WorkMark::OfThisThread().row(); }

Status RowError(const std::string& step, const Slice& slice, size_t row, const char* what) {
  std::vector<Datum> row_values = slice.Row(row);
  std::vector<Datum> shown;
  std::vector<size_t> places;
  for (size_t i = 0; i < row_values.size(); ++i) {
    // Fields of our own, such as the number of a request, mean nothing to the reader.
    if (slice.schema().field(i).name.starts_with('$')) continue;
    shown.push_back(std::move(row_values[i]));
    places.push_back(i);
  }
  std::string values = RowText(shown);
  if (values.size() > kRowTextMax) values = values.substr(0, kRowTextMax) + "...";
  return Aborted("step \"", step, "\" threw at row ", row, " ", values, " of ",
                 slice.schema().Project(places).ToString(), ": ", what);
}

}  // namespace trident::row_internal

namespace trident {

template class Emit<Text>;
template class Emit<int64_t>;

}  // namespace trident
