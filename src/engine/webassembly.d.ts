// The part of the WebAssembly interface that the engine uses. Node's types leave it to the DOM library, which spinback does
// not want in its global scope.
declare namespace WebAssembly {
  // oxlint-disable-next-line typescript/no-extraneous-class -- that is what it is
  class Module {
    constructor(bytes: ArrayBufferView | ArrayBuffer);
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
}
