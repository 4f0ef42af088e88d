; vpdpbusd zmm: 64 products of bytes an instruction, 12 chains.
;
; %data holds the operands and the first accumulators; the last go back to it.

declare <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32>, <64 x i8>, <64 x i8>)

define void @peak(ptr %data, i64 %iterations) {
entry:
  %a = load <64 x i8>, ptr %data
  %b.at = getelementptr i8, ptr %data, i64 64
  %b = load <64 x i8>, ptr %b.at
  %start0.at = getelementptr i8, ptr %data, i64 128
  %start0 = load <16 x i32>, ptr %start0.at
  %start1.at = getelementptr i8, ptr %data, i64 192
  %start1 = load <16 x i32>, ptr %start1.at
  %start2.at = getelementptr i8, ptr %data, i64 256
  %start2 = load <16 x i32>, ptr %start2.at
  %start3.at = getelementptr i8, ptr %data, i64 320
  %start3 = load <16 x i32>, ptr %start3.at
  %start4.at = getelementptr i8, ptr %data, i64 384
  %start4 = load <16 x i32>, ptr %start4.at
  %start5.at = getelementptr i8, ptr %data, i64 448
  %start5 = load <16 x i32>, ptr %start5.at
  %start6.at = getelementptr i8, ptr %data, i64 512
  %start6 = load <16 x i32>, ptr %start6.at
  %start7.at = getelementptr i8, ptr %data, i64 576
  %start7 = load <16 x i32>, ptr %start7.at
  %start8.at = getelementptr i8, ptr %data, i64 640
  %start8 = load <16 x i32>, ptr %start8.at
  %start9.at = getelementptr i8, ptr %data, i64 704
  %start9 = load <16 x i32>, ptr %start9.at
  %start10.at = getelementptr i8, ptr %data, i64 768
  %start10 = load <16 x i32>, ptr %start10.at
  %start11.at = getelementptr i8, ptr %data, i64 832
  %start11 = load <16 x i32>, ptr %start11.at
  br label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %sum0 = phi <16 x i32> [ %start0, %entry ], [ %next0, %loop ]
  %sum1 = phi <16 x i32> [ %start1, %entry ], [ %next1, %loop ]
  %sum2 = phi <16 x i32> [ %start2, %entry ], [ %next2, %loop ]
  %sum3 = phi <16 x i32> [ %start3, %entry ], [ %next3, %loop ]
  %sum4 = phi <16 x i32> [ %start4, %entry ], [ %next4, %loop ]
  %sum5 = phi <16 x i32> [ %start5, %entry ], [ %next5, %loop ]
  %sum6 = phi <16 x i32> [ %start6, %entry ], [ %next6, %loop ]
  %sum7 = phi <16 x i32> [ %start7, %entry ], [ %next7, %loop ]
  %sum8 = phi <16 x i32> [ %start8, %entry ], [ %next8, %loop ]
  %sum9 = phi <16 x i32> [ %start9, %entry ], [ %next9, %loop ]
  %sum10 = phi <16 x i32> [ %start10, %entry ], [ %next10, %loop ]
  %sum11 = phi <16 x i32> [ %start11, %entry ], [ %next11, %loop ]
  %next0 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum0, <64 x i8> %a, <64 x i8> %b)
  %next1 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum1, <64 x i8> %a, <64 x i8> %b)
  %next2 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum2, <64 x i8> %a, <64 x i8> %b)
  %next3 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum3, <64 x i8> %a, <64 x i8> %b)
  %next4 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum4, <64 x i8> %a, <64 x i8> %b)
  %next5 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum5, <64 x i8> %a, <64 x i8> %b)
  %next6 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum6, <64 x i8> %a, <64 x i8> %b)
  %next7 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum7, <64 x i8> %a, <64 x i8> %b)
  %next8 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum8, <64 x i8> %a, <64 x i8> %b)
  %next9 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum9, <64 x i8> %a, <64 x i8> %b)
  %next10 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum10, <64 x i8> %a, <64 x i8> %b)
  %next11 = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %sum11, <64 x i8> %a, <64 x i8> %b)
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, %iterations
  br i1 %again, label %loop, label %exit

exit:
  store <16 x i32> %next0, ptr %start0.at
  store <16 x i32> %next1, ptr %start1.at
  store <16 x i32> %next2, ptr %start2.at
  store <16 x i32> %next3, ptr %start3.at
  store <16 x i32> %next4, ptr %start4.at
  store <16 x i32> %next5, ptr %start5.at
  store <16 x i32> %next6, ptr %start6.at
  store <16 x i32> %next7, ptr %start7.at
  store <16 x i32> %next8, ptr %start8.at
  store <16 x i32> %next9, ptr %start9.at
  store <16 x i32> %next10, ptr %start10.at
  store <16 x i32> %next11, ptr %start11.at
  ret void
}
