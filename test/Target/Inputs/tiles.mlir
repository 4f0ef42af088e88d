module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu",
    chip = "x86-64", features = <["+amx-int8", "+amx-tile"]>>} {
  llvm.mlir.global external constant @net_metadata("{\22abi_version\22:2,\22dims\22:[],\22inputs\22:[],\22name\22:\22net\22,\22outputs\22:[],\22target\22:{\22cpu\22:\22x86-64\22,\22features\22:[\22+amx-int8\22,\22+amx-tile\22],\22triple\22:\22x86_64-unknown-linux-gnu\22},\22threads\22:1}\00")
  llvm.func @net_run(%args: !llvm.ptr) -> i32 {
    %none = llvm.mlir.constant(0 : i32) : i32
    llvm.call_intrinsic "llvm.x86.tilerelease"() : () -> ()
    llvm.return %none : i32
  }
}
