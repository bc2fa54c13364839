// SPDX-License-Identifier: Apache-2.0
//
// Slices and contexts for the tests of partitioners.
#ifndef TRIDENT_TESTS_ENGINE_PARTITIONERS_SLICES_H_
#define TRIDENT_TESTS_ENGINE_PARTITIONERS_SLICES_H_

#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "engine/data/slice.h"
#include "engine/partitioner.h"

namespace trident::testing {

// One int64 field "n" with the values 0 .. rows-1.
inline Slice NumberSlice(size_t rows) {
  auto column = std::make_shared<ColumnOf<int64_t>>();
  for (size_t i = 0; i < rows; ++i) column->Append(static_cast<int64_t>(i));
  auto schema = std::make_shared<Schema>(*Schema::Make({{"n", &TypeOf<int64_t>()}}));
  return Slice(schema, {column}, rows);
}

// The same with these keys, one a row, as a grouping operator would put them.
inline Slice KeyedSlice(const std::vector<std::string>& keys) {
  Slice slice = NumberSlice(keys.size());
  auto bytes = std::make_shared<std::vector<std::string>>(keys);
  auto column = std::make_shared<KeyColumn>();
  for (const std::string& key : *bytes) column->keys.Append(HashedKey{key, HashBytes(key)});
  column->retained.push_back(bytes);
  slice.set_keys(column);
  return slice;
}

inline RouteContext ContextOf(uint64_t txid, uint32_t tasks) {
  return {.id = {.group = GroupId(0), .txid = TxId(txid), .attempt = {Epoch(1), 1}},
          .tasks = tasks};
}

// The tasks that each row goes to, whatever form the routing has.
inline std::vector<std::vector<uint32_t>> TasksOfRows(const Partitioner& partitioner,
                                                      const RouteContext& context,
                                                      const Slice& slice) {
  Routing out;
  out.kind = Routing::Kind::kByRow;  // what an earlier call may have left
  out.task = 999;
  out.task_of_row.assign(3, 999);
  partitioner.Route(context, slice, out);
  std::vector<std::vector<uint32_t>> tasks(slice.rows());
  for (size_t i = 0; i < slice.rows(); ++i) {
    if (out.kind == Routing::Kind::kWhole) tasks[i] = {out.task};
    if (out.kind == Routing::Kind::kByRow) tasks[i] = {out.task_of_row.at(i)};
    if (out.kind == Routing::Kind::kBroadcast) {
      for (uint32_t task = 0; task < context.tasks; ++task) tasks[i].push_back(task);
    }
  }
  if (out.kind == Routing::Kind::kByRow) TRIDENT_CHECK_EQ(out.task_of_row.size(), slice.rows());
  return tasks;
}

}  // namespace trident::testing

#endif  // TRIDENT_TESTS_ENGINE_PARTITIONERS_SLICES_H_
