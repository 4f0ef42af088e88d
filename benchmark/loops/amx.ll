; tdpbssd: 16 x 16 x 64 products of bytes an instruction, on registers alone.
;
; %data is a tile configuration: palette 1, eight tiles of 16 rows of 64 bytes.

declare void @llvm.x86.ldtilecfg(ptr)
declare void @llvm.x86.tilerelease()
declare void @llvm.x86.tilezero(i8 immarg)
declare void @llvm.x86.tdpbssd(i8 immarg, i8 immarg, i8 immarg)

define void @peak(ptr %data, i64 %iterations) {
entry:
  call void @llvm.x86.ldtilecfg(ptr %data)
  call void @llvm.x86.tilezero(i8 0)
  call void @llvm.x86.tilezero(i8 1)
  call void @llvm.x86.tilezero(i8 2)
  call void @llvm.x86.tilezero(i8 3)
  call void @llvm.x86.tilezero(i8 4)
  call void @llvm.x86.tilezero(i8 5)
  call void @llvm.x86.tilezero(i8 6)
  call void @llvm.x86.tilezero(i8 7)
  br label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void @llvm.x86.tdpbssd(i8 0, i8 6, i8 7)
  call void @llvm.x86.tdpbssd(i8 1, i8 6, i8 7)
  call void @llvm.x86.tdpbssd(i8 2, i8 6, i8 7)
  call void @llvm.x86.tdpbssd(i8 3, i8 6, i8 7)
  call void @llvm.x86.tdpbssd(i8 4, i8 6, i8 7)
  call void @llvm.x86.tdpbssd(i8 5, i8 6, i8 7)
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, %iterations
  br i1 %again, label %loop, label %exit

exit:
  call void @llvm.x86.tilerelease()
  ret void
}
