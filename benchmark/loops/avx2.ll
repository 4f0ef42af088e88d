; vpmaddwd and vpaddd ymm: 16 products of 16 bits an instruction, 8 chains.
;
; %data holds the operands and the first accumulators; the last go back to it.
; One side is read in each iteration, so that its products are not made once.

declare <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16>, <16 x i16>)

define void @peak(ptr %data, i64 %iterations) {
entry:
  %b0 = load <16 x i16>, ptr %data
  %b1.at = getelementptr i8, ptr %data, i64 32
  %b1 = load <16 x i16>, ptr %b1.at
  %a0.at = getelementptr i8, ptr %data, i64 64
  %a1.at = getelementptr i8, ptr %data, i64 96
  %a2.at = getelementptr i8, ptr %data, i64 128
  %a3.at = getelementptr i8, ptr %data, i64 160
  %start0.at = getelementptr i8, ptr %data, i64 192
  %start0 = load <8 x i32>, ptr %start0.at
  %start1.at = getelementptr i8, ptr %data, i64 224
  %start1 = load <8 x i32>, ptr %start1.at
  %start2.at = getelementptr i8, ptr %data, i64 256
  %start2 = load <8 x i32>, ptr %start2.at
  %start3.at = getelementptr i8, ptr %data, i64 288
  %start3 = load <8 x i32>, ptr %start3.at
  %start4.at = getelementptr i8, ptr %data, i64 320
  %start4 = load <8 x i32>, ptr %start4.at
  %start5.at = getelementptr i8, ptr %data, i64 352
  %start5 = load <8 x i32>, ptr %start5.at
  %start6.at = getelementptr i8, ptr %data, i64 384
  %start6 = load <8 x i32>, ptr %start6.at
  %start7.at = getelementptr i8, ptr %data, i64 416
  %start7 = load <8 x i32>, ptr %start7.at
  br label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %sum0 = phi <8 x i32> [ %start0, %entry ], [ %next0, %loop ]
  %sum1 = phi <8 x i32> [ %start1, %entry ], [ %next1, %loop ]
  %sum2 = phi <8 x i32> [ %start2, %entry ], [ %next2, %loop ]
  %sum3 = phi <8 x i32> [ %start3, %entry ], [ %next3, %loop ]
  %sum4 = phi <8 x i32> [ %start4, %entry ], [ %next4, %loop ]
  %sum5 = phi <8 x i32> [ %start5, %entry ], [ %next5, %loop ]
  %sum6 = phi <8 x i32> [ %start6, %entry ], [ %next6, %loop ]
  %sum7 = phi <8 x i32> [ %start7, %entry ], [ %next7, %loop ]
  %a0 = load volatile <16 x i16>, ptr %a0.at
  %a1 = load volatile <16 x i16>, ptr %a1.at
  %a2 = load volatile <16 x i16>, ptr %a2.at
  %a3 = load volatile <16 x i16>, ptr %a3.at
  %product0 = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %a0, <16 x i16> %b0)
  %next0 = add <8 x i32> %sum0, %product0
  %product1 = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %a0, <16 x i16> %b1)
  %next1 = add <8 x i32> %sum1, %product1
  %product2 = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %a1, <16 x i16> %b0)
  %next2 = add <8 x i32> %sum2, %product2
  %product3 = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %a1, <16 x i16> %b1)
  %next3 = add <8 x i32> %sum3, %product3
  %product4 = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %a2, <16 x i16> %b0)
  %next4 = add <8 x i32> %sum4, %product4
  %product5 = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %a2, <16 x i16> %b1)
  %next5 = add <8 x i32> %sum5, %product5
  %product6 = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %a3, <16 x i16> %b0)
  %next6 = add <8 x i32> %sum6, %product6
  %product7 = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %a3, <16 x i16> %b1)
  %next7 = add <8 x i32> %sum7, %product7
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, %iterations
  br i1 %again, label %loop, label %exit

exit:
  store <8 x i32> %next0, ptr %start0.at
  store <8 x i32> %next1, ptr %start1.at
  store <8 x i32> %next2, ptr %start2.at
  store <8 x i32> %next3, ptr %start3.at
  store <8 x i32> %next4, ptr %start4.at
  store <8 x i32> %next5, ptr %start5.at
  store <8 x i32> %next6, ptr %start6.at
  store <8 x i32> %next7, ptr %start7.at
  ret void
}
