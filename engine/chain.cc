// SPDX-License-Identifier: Apache-2.0
#include "engine/chain.h"

#include "base/check.h"
#include "base/guard.h"

namespace trident {

// An operator and the operators that take what it emits.
struct Chain::Node final : Output {
  std::string step;
  std::unique_ptr<Operator> op;
  CommittingOperator* committing = nullptr;
  Phase phase = Phase::kProcess;
  std::vector<Node*> targets;

  // An exception out of user code that no row loop has caught becomes a status here.
  template <class Call>
  Status Guard(Call&& call) {
    return Guarded("step \"" + step + "\"", call);
  }
  Status Take(const Slice& slice) {
    return Guard([&] { return op->Process(slice, *this); });
  }
  Status Emit(const Slice& slice) override {
    if (slice.empty()) return absl::OkStatus();
    for (Node* target : targets) TRIDENT_RETURN_IF_ERROR(target->Take(slice));
    return absl::OkStatus();
  }
};

Chain::Chain() = default;
Chain::~Chain() = default;

Chain::NodeIndex Chain::Add(std::string step, std::unique_ptr<Operator> op,
                            const std::vector<NodeIndex>& inputs) {
  auto node = std::make_unique<Node>();
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

Status Chain::FinishNode(Node& node) {
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
      TRIDENT_RETURN_IF_ERROR(node->committing->AppendRecord(permit, record));
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
