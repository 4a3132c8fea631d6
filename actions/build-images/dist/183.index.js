const l=183,u=[183],_={5183:((d,n,s)=>{s.r(n),s.d(n,{cancel:()=>o});var t=s(5496);function o({state:c,signal:e},a){return(0,t.F5)(a.images(e),c.last())}})};export{l as id,u as ids,_ as modules};
