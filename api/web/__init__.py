"""The page: an answer that people read, tick off and pass on. Server-rendered; scripts only add comfort."""
