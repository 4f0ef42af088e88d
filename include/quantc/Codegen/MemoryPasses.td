//===- MemoryPasses.td - Programs in the caller's memory ---*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CODEGEN_MEMORYPASSES
#define QUANTC_CODEGEN_MEMORYPASSES

include "mlir/Pass/PassBase.td"

def DecomposePadsPass : Pass<"quant-decompose-pads", "::mlir::ModuleOp"> {
  let summary = "Write padding around what is padded";
  let description = [{
    A `tensor.pad` becomes a slice of a tensor around which the borders are
    filled, so that `quant-place-outputs` makes what computes the slice write it
    where it belongs; padding as such is always copied. Zeros that a slice is
    inserted into become borders too: the room under the slice is not filled.

    A padded tensor that is only transposed is transposed first: the
    transposition writes there. A tensor that is collapsed before its other
    dimensions are padded is padded first, for the same reason.

    ```mlir
    %y = tensor.pad %x low[1] high[0] { tensor.yield %c : f32 } : tensor<8xf32> to tensor<9xf32>
    ```

    becomes

    ```mlir
    %e = tensor.empty() : tensor<9xf32>
    %i = tensor.insert_slice %x into %e[1] [8] [1]
    %s = tensor.extract_slice %i[0] [1] [1]
    %f = linalg.fill ins(%c : f32) outs(%s : tensor<1xf32>)
    %y = tensor.insert_slice %f into %i[0] [1] [1]
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BindInterfacePass : Pass<"quant-bind-interface", "::mlir::ModuleOp"> {
  let summary = "Put inputs and outputs of the program in the caller's memory";
  let description = [{
    The inputs of the program become memrefs that are read, its results memrefs
    that the caller passes after them and the program writes. The names, shapes
    and dimensions of `ProgramInterface.h` become explicit attributes; an output
    is marked `quant.output`.

    ```mlir
    func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      return %y : tensor<?x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @main(%0: memref<?x4xf32>, %1: memref<?x4xf32> {quant.output}) {
      %x = bufferization.to_tensor %0 restrict
          : memref<?x4xf32> to tensor<?x4xf32>
      bufferization.materialize_in_destination %y in restrict writable %1
          : (tensor<?x4xf32>, memref<?x4xf32>) -> ()
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect"];
}

def PlaceOutputsPass : Pass<"quant-place-outputs", "::mlir::ModuleOp"> {
  let summary = "Compute outputs in the caller's memory";
  let description = [{
    Upstream's elimination of empty tensors, with one rule more: a `tensor.empty`
    becomes the memory of an output only if nothing but that output is made of
    it. Upstream's analysis does not see that writing an output ends the life of
    other values in the same memory, and two outputs that start from one tensor
    of zeros would both read what was written last. A `tensor.empty` that several
    operations write to is first made one for each.

    A result that is computed in another shape, as those of packed layers are
    in panels, is first written to the output in that shape:

    ```mlir
    %y = tensor.collapse_shape %panels [[0], [1, 2]]
        : tensor<8x4x16xf32> into tensor<8x64xf32>
    bufferization.materialize_in_destination %y in restrict writable %output
        : (tensor<8x64xf32>, memref<8x64xf32>) -> ()
    ```

    becomes

    ```mlir
    %view = memref.expand_shape %output [[0], [1, 2]] output_shape [8, 4, 16]
        : memref<8x64xf32> into memref<8x4x16xf32>
    bufferization.materialize_in_destination %panels in restrict writable %view
        : (tensor<8x4x16xf32>, memref<8x4x16xf32>) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CopyCarriedTensorsPass : Pass<"quant-copy-carried-tensors"> {
  let summary = "Keep what a loop carries in one buffer";
  let description = [{
    An iteration of `scf.for` that computes a tensor for the next one somewhere
    else than in the tensor that it was handed, such as the new state of a
    recurrent layer, copies it there at its end. Bufferization then finds one
    buffer for all iterations, where it would allocate one in each of them. What
    is computed in place, by operations with destinations and loops of them, is
    left as it is.

    ```mlir
    %y = scf.for %i = %c0 to %n step %c1 iter_args(%h = %x) -> tensor<8xf32> {
      %next = linalg.exp ins(%h : ...) outs(%empty : ...) -> tensor<8xf32>
      scf.yield %next : tensor<8xf32>
    }
    ```

    becomes

    ```mlir
    %y = scf.for %i = %c0 to %n step %c1 iter_args(%h = %x) -> tensor<8xf32> {
      %next = linalg.exp ins(%h : ...) outs(%empty : ...) -> tensor<8xf32>
      %kept = bufferization.materialize_in_destination %next in %h : ...
      scf.yield %kept : tensor<8xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def ExternalizeConstantsPass
    : Pass<"quant-externalize-constants", "::mlir::ModuleOp"> {
  let summary = "Leave many bytes of constants to the caller's memory";
  let description = [{
    If the constant buffers of a bound program take more than `max-bytes`, they
    become views of one more argument, the parameters, each at an offset that is
    a multiple of 64 bytes. What they hold stays on the module, in order, as
    `quant.parameters`; a compilation writes it to a file of its own, which a
    process maps and several share (`Parameters.h`). LLVM would copy such
    constants several times. Buffers below 4 KiB stay in the program.

    ```mlir
    memref.global "private" constant @w : memref<4096x4096xi8> = dense<...>
    %w = memref.get_global @w : memref<4096x4096xi8>
    ```

    becomes

    ```mlir
    module attributes {quant.parameters = [dense<...> : tensor<4096x4096xi8>]}
    %w = memref.view %parameters[%c0][]
        : memref<16777216xi8> to memref<4096x4096xi8>
    ```
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t",
           /*default=*/"::quantc::kMaxConstantBytes",
           "How many bytes of constants a program may hold">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def FlattenConstantsPass : Pass<"quant-flatten-constants", "::mlir::ModuleOp"> {
  let summary = "Keep constant buffers in one dimension";
  let description = [{
    LLVM has no arrays of several dimensions but arrays of arrays, and packed
    weights in steps of 4 bytes would be millions of constants of 4 bytes each.
    A constant buffer becomes one of one dimension, and who reads it sees the
    shape it had.

    ```mlir
    memref.global "private" constant @w : memref<2x64x4xi8> = dense<...>
    %w = memref.get_global @w : memref<2x64x4xi8>
    ```

    becomes

    ```mlir
    memref.global "private" constant @w : memref<512xi8> = dense<...>
    %0 = memref.get_global @w : memref<512xi8>
    %w = memref.expand_shape %0 [[0, 1, 2]] output_shape [2, 64, 4]
        : memref<512xi8> into memref<2x64x4xi8>
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def ExpandStridedCopiesPass : Pass<"quant-expand-strided-copies"> {
  let summary = "Turn copies of strided buffers into loops";
  let description = [{
    `memref.copy` becomes `memcpy` when both sides are contiguous. Otherwise its
    lowering calls a run-time library, which our objects do not have, so such a
    copy becomes a `linalg.generic` that copies element by element. A copy of a
    buffer onto itself is gone.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def DistributeParallelLoopsPass
    : Pass<"quant-distribute-parallel-loops", "::mlir::ModuleOp"> {
  let summary = "Divide parallel loops among threads";
  let description = [{
    An outermost `scf.for` marked `quant.parallel` becomes an `scf.parallel` over
    threads around a loop over the iterations of one thread: of `n` iterations,
    thread `t` of `T` has those from `floor(n t / T)` to `floor(n (t + 1) / T)`.
    `T` is the number of threads of the caller's executor, at most `max-threads`
    and `n`, and as many as have `thread-work` multiply-accumulates each, by
    the `quant.work` of the loops inside; with one, nothing is handed out. The
    executor becomes an argument of the program, whatever loops there are.

    Loops whose work is known to be too little stay as they are. So do loops
    that write memory which is neither allocated in the iteration nor at a place
    that depends on it. Of a loop with few iterations around another marked one,
    the inner one is divided.

    Iterations compute the same in whatever thread they run, so that the number
    of threads changes no result.

    ```mlir
    scf.for %j = %c0 to %c64 step %c1 {
      ...
    } {quant.parallel}
    ```

    becomes

    ```mlir
    %T = ... // of %executor: !llvm.ptr {quant.executor = 8}
    scf.parallel (%t) = (%c0) to (%T) step (%c1) {
      %first = "floor(64 * %t / %T)"
      %end = "floor(64 * (%t + 1) / %T)"
      scf.for %j = %first to %end step %c1 {
        ...
      }
    }
    ```
  }];
  let options = [
    Option<"maxThreads", "max-threads", "int64_t", "1",
           "The largest number of threads that the program uses">,
    Option<"threadWork", "thread-work", "int64_t", "::quantc::kThreadWork",
           "The least multiply-accumulates that are worth a thread">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::scf::SCFDialect"];
}

def PlanWorkspacePass : Pass<"quant-plan-workspace", "::mlir::ModuleOp"> {
  let summary = "Place all temporary buffers in one workspace of the caller";
  let description = [{
    Each `memref.alloc` of a bound program becomes a view of one more argument,
    the workspace, at an offset that is a multiple of 64 bytes. Buffers that are
    never alive at the same time share a slot; a slot has the size of its
    largest buffer. The largest buffers are placed first, each in the smallest
    slot that is free, where dynamic dimensions count as 16. Slots of known size
    come first in the workspace.

    A buffer lives from its allocation to the last use of it or of a view of it;
    one of a loop does so in each iteration, unless the loop carries it. A slot
    of buffers inside of a part of a parallel loop has a place for each of the
    threads that the program may use.

    The size of a buffer may depend on the dynamic dimensions of the program. A
    private function computes from them how many bytes of workspace a call
    needs; the program names it as `quant.workspace_size`.

    ```mlir
    %t = memref.alloc(%n) : memref<?x16xf32>
    ```

    becomes

    ```mlir
    %t = memref.view %workspace[%offset][%n] : memref<?xi8> to memref<?x16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def EmitEntryPass : Pass<"quant-emit-entry", "::mlir::ModuleOp"> {
  let summary = "Give the program its C interface";
  let description = [{
    Emits the three symbols that an object file exports: `<name>_run`, which
    checks the caller's arguments and runs the program on them,
    `<name>_workspace_size`, and `<name>_metadata`, a JSON string that says what
    the program takes and gives and which machine it needs (`ProgramMetadata.h`).
    The bound program becomes internal, on pointers that do not alias and the
    dynamic dimensions.
  }];
  let options = [
    Option<"name", "name", "std::string", "\"model\"",
           "The prefix of all exported symbols, a C identifier">
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def OutlineParallelLoopsPass
    : Pass<"quant-outline-parallel-loops", "::mlir::ModuleOp"> {
  let summary = "Hand parallel loops to the caller's executor";
  let description = [{
    The body of each `scf.parallel` over threads becomes a function of the values
    that it uses from outside and of the thread. A second function, a task of the
    executor, takes these values from a struct on the caller's stack. With one
    thread the task is called directly. Index arithmetic and views are computed
    again in the function, so that few values go through memory.

    ```mlir
    scf.parallel (%t) = (%c0) to (%T) step (%c1) {
      ... %x, %y, %t ...
    }
    ```

    becomes

    ```mlir
    func.func private @main_part_0(%x: !llvm.ptr, %y: !llvm.ptr, %t: index)
    func.func private @main_task_0(%data: !llvm.ptr, %t: i64)
    %data = llvm.alloca ...
    "store %x, %y to %data"
    "if %T is 1: @main_task_0(%data, 0)"
    "else: executor->parallel_for(executor, @main_task_0, %data, %T)"
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::scf::SCFDialect"];
}

def ShareLoopsPass : Pass<"quant-share-loops", "::mlir::ModuleOp"> {
  let summary = "Make one function of loops that are equal";
  let description = [{
    Layers of the same shape become the same loops over other memory. Those
    become one function, which takes pointers, so that code grows with the number
    of different layers instead of all of them, and so does the time to compile.

    Loops are those directly in a function, or in its loop over the samples of a
    batch. Two are equal if they are the same
    operations on the same constants; the buffers of the workspace and the
    constants in memory that they use become arguments, and so does what is not
    computed by pure operations or read from constants. What is left of the
    definitions that they use, such as reshapes and index arithmetic, is computed
    again in the function.
    Arguments that are different for one loop are different for all, so that no
    two pointers alias. Loops that only fill or copy memory stay, so do those
    whose vectors are more than eight registers of arguments hold, and those
    that are equal to no other, unless there are more than 48 loops: the time of
    LLVM's analyses grows faster than the function that they look at.

    ```mlir
    %a = memref.view %workspace[%c0][] : memref<?xi8> to memref<64xf32>
    %b = memref.view %workspace[%c256][] : memref<?xi8> to memref<64xf32>
    scf.for %i = %c0 to %c64 step %c1 { ... %a ... }
    scf.for %i = %c0 to %c64 step %c1 { ... %b ... }
    ```

    becomes

    ```mlir
    func.func private @main_loop(%x: !llvm.ptr {llvm.noalias}) {
      scf.for %i = %c0 to %c64 step %c1 { ... %x as memref<64xf32> ... }
    }
    call @main_loop(%a)
    call @main_loop(%b)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def ExpandReshapesPass : Pass<"quant-expand-reshapes"> {
  let summary = "Turn reshapes to several unknown sizes into casts";
  let description = [{
    Where one dimension becomes several of which more than one is unknown, as
    with a batch of sequences, the sizes do not follow from each other, and
    upstream's expansion of strided metadata has no rule. The sizes are operands
    of the reshape, so it can be written as a cast.

    ```mlir
    %e = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %t, 8]
        : memref<?x8xf32> into memref<?x?x8xf32>
    ```

    becomes

    ```mlir
    %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %x
    %stride = "8 * %t"
    %e = memref.reinterpret_cast %base to offset: [0], sizes: [%b, %t, 8],
        strides: [%stride, 8, 1] : memref<f32> to memref<?x?x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::memref::MemRefDialect"];
}

#endif // QUANTC_CODEGEN_MEMORYPASSES
