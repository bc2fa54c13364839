// SPDX-License-Identifier: Apache-2.0
//
// Project: these fields in this order, copying nothing. Also renames: the columns keep their places
// and take the names of the output schema (Merge).
#ifndef TRIDENT_TRIDENT_OPERATORS_PROJECT_H_
#define TRIDENT_TRIDENT_OPERATORS_PROJECT_H_

#include <utility>
#include <vector>

#include "engine/operator.h"

namespace trident {

class ProjectOperator final : public Operator {
 public:
  // `indices` are the places in the input of the output's fields.
  ProjectOperator(SchemaRef output, std::vector<size_t> indices)
      : schema_(std::move(output)), indices_(std::move(indices)) {}

  Status Process(const Slice& slice, Output& out) override {
    return out.Emit(slice.Project(schema_, indices_));
  }
  bool row_wise() const override { return true; }

 private:
  const SchemaRef schema_;
  const std::vector<size_t> indices_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_PROJECT_H_
