; vpdpbusd ymm: 32 products of bytes an instruction, 12 chains.
;
; %data holds the operands and the first accumulators; the last go back to it.

declare <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32>, <32 x i8>, <32 x i8>)

define void @peak(ptr %data, i64 %iterations) {
entry:
  %a = load <32 x i8>, ptr %data
  %b.at = getelementptr i8, ptr %data, i64 32
  %b = load <32 x i8>, ptr %b.at
  %start0.at = getelementptr i8, ptr %data, i64 64
  %start0 = load <8 x i32>, ptr %start0.at
  %start1.at = getelementptr i8, ptr %data, i64 96
  %start1 = load <8 x i32>, ptr %start1.at
  %start2.at = getelementptr i8, ptr %data, i64 128
  %start2 = load <8 x i32>, ptr %start2.at
  %start3.at = getelementptr i8, ptr %data, i64 160
  %start3 = load <8 x i32>, ptr %start3.at
  %start4.at = getelementptr i8, ptr %data, i64 192
  %start4 = load <8 x i32>, ptr %start4.at
  %start5.at = getelementptr i8, ptr %data, i64 224
  %start5 = load <8 x i32>, ptr %start5.at
  %start6.at = getelementptr i8, ptr %data, i64 256
  %start6 = load <8 x i32>, ptr %start6.at
  %start7.at = getelementptr i8, ptr %data, i64 288
  %start7 = load <8 x i32>, ptr %start7.at
  %start8.at = getelementptr i8, ptr %data, i64 320
  %start8 = load <8 x i32>, ptr %start8.at
  %start9.at = getelementptr i8, ptr %data, i64 352
  %start9 = load <8 x i32>, ptr %start9.at
  %start10.at = getelementptr i8, ptr %data, i64 384
  %start10 = load <8 x i32>, ptr %start10.at
  %start11.at = getelementptr i8, ptr %data, i64 416
  %start11 = load <8 x i32>, ptr %start11.at
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
  %sum8 = phi <8 x i32> [ %start8, %entry ], [ %next8, %loop ]
  %sum9 = phi <8 x i32> [ %start9, %entry ], [ %next9, %loop ]
  %sum10 = phi <8 x i32> [ %start10, %entry ], [ %next10, %loop ]
  %sum11 = phi <8 x i32> [ %start11, %entry ], [ %next11, %loop ]
  %next0 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum0, <32 x i8> %a, <32 x i8> %b)
  %next1 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum1, <32 x i8> %a, <32 x i8> %b)
  %next2 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum2, <32 x i8> %a, <32 x i8> %b)
  %next3 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum3, <32 x i8> %a, <32 x i8> %b)
  %next4 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum4, <32 x i8> %a, <32 x i8> %b)
  %next5 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum5, <32 x i8> %a, <32 x i8> %b)
  %next6 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum6, <32 x i8> %a, <32 x i8> %b)
  %next7 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum7, <32 x i8> %a, <32 x i8> %b)
  %next8 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum8, <32 x i8> %a, <32 x i8> %b)
  %next9 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum9, <32 x i8> %a, <32 x i8> %b)
  %next10 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum10, <32 x i8> %a, <32 x i8> %b)
  %next11 = call <8 x i32> @llvm.x86.avx512.vpdpbusd.256(<8 x i32> %sum11, <32 x i8> %a, <32 x i8> %b)
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
  store <8 x i32> %next8, ptr %start8.at
  store <8 x i32> %next9, ptr %start9.at
  store <8 x i32> %next10, ptr %start10.at
  store <8 x i32> %next11, ptr %start11.at
  ret void
}
