// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/custom.h"

#include <stdexcept>
#include <utility>

#include "base/status.h"

namespace trident {
namespace {

class Custom final : public Partitioner {
 public:
  Custom(std::string name, RouteFunction route)
      : name_(std::move(name)), route_(std::move(route)) {}

  void Route(const RouteContext& context, const Slice& slice, Routing& out) const override {
    route_(context, slice, out);
    switch (out.kind) {
      case Routing::Kind::kWhole:
        if (out.task >= context.tasks) Refuse(Concat("task ", out.task), context);
        return;
      case Routing::Kind::kBroadcast:
        return;
      case Routing::Kind::kByRow:
        return CheckRows(context, slice, out);
    }
  }
  std::string Describe() const override { return "custom \"" + name_ + "\""; }

 private:
  void CheckRows(const RouteContext& context, const Slice& slice, const Routing& out) const {
    if (out.task_of_row.size() != slice.rows()) {
      Refuse(Concat("tasks for ", out.task_of_row.size(), " of ", slice.rows(), " rows"), context);
    }
    for (size_t i = 0; i < out.task_of_row.size(); ++i) {
      if (out.task_of_row[i] < context.tasks) continue;
      Refuse(Concat("task ", out.task_of_row[i], " for row ", i, " ", RowText(slice.Row(i))),
             context);
    }
  }
  // An exception, as out of any other code of the user's: the chain turns it into the attempt's
  // failure and names the step.
  [[noreturn]] void Refuse(const std::string& found, const RouteContext& context) const {
    throw std::out_of_range(Concat("partitioner \"", name_, "\" gave ", found, "; there are ",
                                   context.tasks,
                                   " tasks, numbered from 0, and each row needs one"));
  }

  const std::string name_;
  const RouteFunction route_;
};

}  // namespace

PartitionerRef CustomPartitioner(std::string name, RouteFunction route) {
  return std::make_shared<Custom>(std::move(name), std::move(route));
}

}  // namespace trident
