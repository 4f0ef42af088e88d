; vfmadd zmm: 16 multiply-adds of floats an instruction, 12 chains.
;
; %data holds the operands and the first accumulators; the last go back to it.

declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)

define void @peak(ptr %data, i64 %iterations) {
entry:
  %a = load <16 x float>, ptr %data
  %b.at = getelementptr i8, ptr %data, i64 64
  %b = load <16 x float>, ptr %b.at
  %start0.at = getelementptr i8, ptr %data, i64 128
  %start0 = load <16 x float>, ptr %start0.at
  %start1.at = getelementptr i8, ptr %data, i64 192
  %start1 = load <16 x float>, ptr %start1.at
  %start2.at = getelementptr i8, ptr %data, i64 256
  %start2 = load <16 x float>, ptr %start2.at
  %start3.at = getelementptr i8, ptr %data, i64 320
  %start3 = load <16 x float>, ptr %start3.at
  %start4.at = getelementptr i8, ptr %data, i64 384
  %start4 = load <16 x float>, ptr %start4.at
  %start5.at = getelementptr i8, ptr %data, i64 448
  %start5 = load <16 x float>, ptr %start5.at
  %start6.at = getelementptr i8, ptr %data, i64 512
  %start6 = load <16 x float>, ptr %start6.at
  %start7.at = getelementptr i8, ptr %data, i64 576
  %start7 = load <16 x float>, ptr %start7.at
  %start8.at = getelementptr i8, ptr %data, i64 640
  %start8 = load <16 x float>, ptr %start8.at
  %start9.at = getelementptr i8, ptr %data, i64 704
  %start9 = load <16 x float>, ptr %start9.at
  %start10.at = getelementptr i8, ptr %data, i64 768
  %start10 = load <16 x float>, ptr %start10.at
  %start11.at = getelementptr i8, ptr %data, i64 832
  %start11 = load <16 x float>, ptr %start11.at
  br label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %sum0 = phi <16 x float> [ %start0, %entry ], [ %next0, %loop ]
  %sum1 = phi <16 x float> [ %start1, %entry ], [ %next1, %loop ]
  %sum2 = phi <16 x float> [ %start2, %entry ], [ %next2, %loop ]
  %sum3 = phi <16 x float> [ %start3, %entry ], [ %next3, %loop ]
  %sum4 = phi <16 x float> [ %start4, %entry ], [ %next4, %loop ]
  %sum5 = phi <16 x float> [ %start5, %entry ], [ %next5, %loop ]
  %sum6 = phi <16 x float> [ %start6, %entry ], [ %next6, %loop ]
  %sum7 = phi <16 x float> [ %start7, %entry ], [ %next7, %loop ]
  %sum8 = phi <16 x float> [ %start8, %entry ], [ %next8, %loop ]
  %sum9 = phi <16 x float> [ %start9, %entry ], [ %next9, %loop ]
  %sum10 = phi <16 x float> [ %start10, %entry ], [ %next10, %loop ]
  %sum11 = phi <16 x float> [ %start11, %entry ], [ %next11, %loop ]
  %next0 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum0)
  %next1 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum1)
  %next2 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum2)
  %next3 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum3)
  %next4 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum4)
  %next5 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum5)
  %next6 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum6)
  %next7 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum7)
  %next8 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum8)
  %next9 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum9)
  %next10 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum10)
  %next11 = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %sum11)
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, %iterations
  br i1 %again, label %loop, label %exit

exit:
  store <16 x float> %next0, ptr %start0.at
  store <16 x float> %next1, ptr %start1.at
  store <16 x float> %next2, ptr %start2.at
  store <16 x float> %next3, ptr %start3.at
  store <16 x float> %next4, ptr %start4.at
  store <16 x float> %next5, ptr %start5.at
  store <16 x float> %next6, ptr %start6.at
  store <16 x float> %next7, ptr %start7.at
  store <16 x float> %next8, ptr %start8.at
  store <16 x float> %next9, ptr %start9.at
  store <16 x float> %next10, ptr %start10.at
  store <16 x float> %next11, ptr %start11.at
  ret void
}
