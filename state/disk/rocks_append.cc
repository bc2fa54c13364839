// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_append.h"

#include <deque>
#include <string>
#include <string_view>

#include <rocksdb/merge_operator.h>

namespace trident {
namespace {

class AppendOperator : public rocksdb::MergeOperator {
 public:
  explicit AppendOperator(std::shared_ptr<const CondenseHolder> condense)
      : condense_(std::move(condense)) {}

  const char* Name() const override { return "trident.append"; }
  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    std::string& merged = out->new_value;
    merged.clear();
    if (in.existing_value != nullptr) {
      merged.assign(in.existing_value->data(), in.existing_value->size());
    }
    AppendAll(in.operand_list, merged);
    if (in.existing_value != nullptr || in.operand_list.size() > 1) Shorten(in.key, merged);
    return true;
  }
  bool PartialMergeMulti(const rocksdb::Slice& key, const std::deque<rocksdb::Slice>& operands,
                         std::string* merged, rocksdb::Logger*) const override {
    merged->clear();
    AppendAll(operands, *merged);
    Shorten(key, *merged);
    return true;
  }

 private:
  template <class Slices>
  static void AppendAll(const Slices& slices, std::string& out) {
    for (const rocksdb::Slice& slice : slices) out.append(slice.data(), slice.size());
  }
  void Shorten(const rocksdb::Slice& key, std::string& values) const {
    const std::shared_ptr<const Condense> condense = condense_->Get();
    if (condense == nullptr) return;
    std::string shorter;
    if ((*condense)({key.data(), key.size()}, values, shorter)) values = std::move(shorter);
  }

  const std::shared_ptr<const CondenseHolder> condense_;
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> NewAppendOperator(
    std::shared_ptr<const CondenseHolder> condense) {
  return std::make_shared<AppendOperator>(std::move(condense));
}

}  // namespace trident
