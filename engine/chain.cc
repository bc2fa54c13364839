// SPDX-License-Identifier: Apache-2.0
#include "engine/chain.h"

#include <algorithm>
#include <exception>
#include <numeric>

#include "base/check.h"
#include "base/guard.h"
#include "base/work_mark.h"

namespace trident {
namespace {

std::shared_ptr<const Slice::Origins> PlacesOf(const Slice& slice) {
  auto places = std::make_shared<Slice::Origins>(slice.column_rows());
  if (slice.selection() == nullptr) {
    std::iota(places->begin(), places->end(), 0);
  } else {
    for (uint32_t i = 0; i < slice.rows(); ++i) (*places)[slice.RowAt(i)] = i;
  }
  return places;
}

// The rows that come of places which are not `bad`.
Slice Without(const std::vector<bool>& bad, const Slice& slice) {
  std::vector<uint32_t> places;
  for (uint32_t i = 0; i < slice.rows(); ++i) {
    if (!bad[(*slice.origins())[slice.RowAt(i)]]) places.push_back(i);
  }
  if (places.size() == slice.rows()) return slice;
  if (slice.keys() != nullptr) return slice.Gather(places);
  for (uint32_t& place : places) place = slice.RowAt(place);
  return slice.Select(std::move(places));
}

}  // namespace

// A slice on its way through the row-wise operators at the chain's beginning.
struct Chain::Sparing {
  struct Held {
    Node* target;
    Slice slice;
  };
  std::vector<Held> held;
  std::vector<bool> bad;  // by place
  std::vector<FailedRow>& failed;
};

// An operator and the operators that take what it emits.
struct Chain::Node final : Output {
  explicit Node(Chain* in) : chain(in) {}

  Chain* const chain;
  std::string step;
  std::unique_ptr<Operator> op;
  CommittingOperator* committing = nullptr;
  Phase phase = Phase::kProcess;
  std::vector<Node*> targets;

  // An exception out of user code that no row loop has caught becomes a status here.
  template <class Call>
  Status Guard(Call&& call) {
    const WorkMark::Scope under_way({step, chain->id_, chain->partition_});
    return Guarded("step \"" + step + "\"", call);
  }
  Status Take(const Slice& slice) {
    if (chain->go_on_) TRIDENT_RETURN_IF_ERROR(chain->go_on_());
    return Guard([&] { return op->Process(slice, *this); });
  }
  Status Emit(const Slice& slice) override {
    if (slice.empty()) return absl::OkStatus();
    for (Node* target : targets) {
      if (chain->sparing_ != nullptr && !target->op->row_wise()) {
        chain->sparing_->held.push_back({target, slice});
      } else {
        TRIDENT_RETURN_IF_ERROR(target->Take(slice));
      }
    }
    return absl::OkStatus();
  }
  Status PutAside(const Slice& slice, size_t row, const Status& cause) override {
    if (chain->sparing_ == nullptr) return cause;
    const uint32_t place = (*slice.origins())[slice.RowAt(row)];
    if (chain->sparing_->bad[place]) return absl::OkStatus();
    chain->sparing_->bad[place] = true;
    chain->sparing_->failed.push_back({place, cause});
    return absl::OkStatus();
  }
};

Chain::Chain() = default;
Chain::~Chain() = default;

Chain::NodeIndex Chain::Add(std::string step, std::unique_ptr<Operator> op,
                            const std::vector<NodeIndex>& inputs) {
  auto node = std::make_unique<Node>(this);
  node->step = std::move(step);
  node->committing = dynamic_cast<CommittingOperator*>(op.get());
  node->op = std::move(op);
  if (node->committing != nullptr) {
    node->phase = Phase::kStage;
    commits_ = true;
  }
  for (NodeIndex input : inputs) {
    TRIDENT_CHECK_LT(input, nodes_.size());
    nodes_[input]->targets.push_back(node.get());
    if (nodes_[input]->phase == Phase::kStage) node->phase = Phase::kStage;
  }
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

void Chain::AddInput(NodeIndex node) { inputs_.push_back(nodes_[node].get()); }

void Chain::Begin(const BatchContext& context) {
  begun_ = absl::OkStatus();
  id_ = context.id;
  for (auto& node : nodes_) {
    Status status = node->Guard([&] {
      node->op->Begin(context);
      return absl::OkStatus();
    });
    if (begun_.ok()) begun_ = status;
  }
}

Status Chain::Process(size_t port, const Slice& slice) {
  TRIDENT_CHECK_LT(port, inputs_.size());
  TRIDENT_RETURN_IF_ERROR(begun_);
  if (slice.empty()) return absl::OkStatus();
  return inputs_[port]->Take(slice);
}

Status Chain::ProcessSparing(size_t port, const Slice& slice, std::vector<FailedRow>& failed) {
  TRIDENT_CHECK_LT(port, inputs_.size());
  TRIDENT_RETURN_IF_ERROR(begun_);
  if (slice.empty()) return absl::OkStatus();
  if (!inputs_[port]->op->row_wise()) return inputs_[port]->Take(slice);
  const size_t failed_before = failed.size();
  Sparing sparing{.held = {}, .bad = std::vector<bool>(slice.rows()), .failed = failed};
  Slice traced = slice;
  traced.set_origins(PlacesOf(slice));
  sparing_ = &sparing;
  Status status = inputs_[port]->Take(traced);
  sparing_ = nullptr;
  TRIDENT_RETURN_IF_ERROR(status);
  std::sort(failed.begin() + static_cast<std::ptrdiff_t>(failed_before), failed.end(),
            [](const FailedRow& a, const FailedRow& b) { return a.place < b.place; });
  return Release(sparing);
}

Status Chain::Release(Sparing& sparing) {
  for (Sparing::Held& held : sparing.held) {
    Slice slice = sparing.failed.empty() ? held.slice : Without(sparing.bad, held.slice);
    slice.set_origins(nullptr);
    if (!slice.empty()) TRIDENT_RETURN_IF_ERROR(held.target->Take(slice));
  }
  return absl::OkStatus();
}

Status Chain::FinishNode(Node& node) {
  if (go_on_) TRIDENT_RETURN_IF_ERROR(go_on_());
  return node.Guard([&] { return node.op->Finish(node); });
}

Status Chain::FinishProcess() {
  TRIDENT_RETURN_IF_ERROR(begun_);
  for (auto& node : nodes_) {
    if (node->phase == Phase::kProcess) TRIDENT_RETURN_IF_ERROR(FinishNode(*node));
  }
  return absl::OkStatus();
}

Status Chain::Stage(const StagePermit& permit) {
  for (auto& node : nodes_) {
    if (node->phase != Phase::kStage) continue;
    if (node->committing == nullptr) {
      TRIDENT_RETURN_IF_ERROR(FinishNode(*node));
    } else {
      TRIDENT_RETURN_IF_ERROR(node->Guard([&] { return node->committing->Stage(permit, *node); }));
    }
  }
  return absl::OkStatus();
}

Status Chain::AppendRecord(const StagePermit& permit, std::string& record) {
  for (auto& node : nodes_) {
    if (node->committing != nullptr) {
      TRIDENT_RETURN_IF_ERROR(
          node->Guard([&] { return node->committing->AppendRecord(permit, record); }));
    }
  }
  return absl::OkStatus();
}

void Chain::Apply(const ApplyPermit& permit) {
  for (auto& node : nodes_) {
    if (node->committing != nullptr) node->committing->Apply(permit);
  }
}

void Chain::Abort(TxId from) {
  for (auto& node : nodes_) {
    if (node->committing != nullptr) node->committing->Abort(from);
  }
}

}  // namespace trident
